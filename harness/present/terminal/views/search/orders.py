"""Shows orders of statements on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.present.looks import BOLD, DIM, PLAIN, look
from harness.present.terminal.pieces import Line
from harness.results.text import counted, one_line
from harness.search.orders.interleaving import MIXES, Mix, OrderResult
from harness.suite.verbs.orders import JSON_FILE, Orders


def order_lines(result: OrderResult) -> Iterator[Line]:
    """Return the lines on one order."""
    style = look(result.verdict).style
    yield [(f"{result.verdict.value:13}", style), (result.name, BOLD)]
    if result.reason:
        yield [("    why    ", DIM), (one_line(result.reason), style)]
    yield [("    order  ", DIM), (one_line(", ".join(result.told)), PLAIN)]
    yield [("    answer ", DIM), (one_line("; ".join(result.answers)), PLAIN)]
    yield [("    repro", DIM)]
    yield [(result.repro, BOLD)]


def orders_lines(orders: Orders, folder: str) -> Iterator[Line]:
    """Return the counts by mix, and the path of the results."""
    for mix in MIXES:
        own = [result for result in orders.results if result.mix == mix]
        if own:
            yield [(counts_line(orders.choice.requests, mix, own), PLAIN)]
    counts = ", ".join(f"{count} {word}" for word, count in orders.counts.items()) or "nothing ran"
    yield [(counts, BOLD), (f" in {orders.took_s:.1f} s", PLAIN)]
    yield [(f"results: {folder}/{JSON_FILE}", PLAIN)]


def counts_line(requests: int, mix: Mix, results: Sequence[OrderResult]) -> str:
    """Return the counts for the orders of one mix."""
    counts = ", ".join(f"{count} {word}" for word, count in Counter(each.verdict.value for each in results).items())
    locked = sum(1 for each in results if each.waits)
    return f"{requests} {mix}: {counted(len(results), 'order')}, {locked} of them with a wait for a lock: {counts}"
