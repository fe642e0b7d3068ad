"""`harness interleave`: lets the statements of two or three requests through in every order."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.options import OUTPUT, STACK, WHAT, WHERE, options, output_of, settings_of
from harness.cli.search_stage import SearchStage, finished, search_stage
from harness.engine.laying.testbed import Testbed
from harness.errors import UsageError
from harness.present.looks import BAD, BOLD, DIM, DOUBT, GOOD
from harness.present.terminal.lines import Line
from harness.present.terminal.screen import Verbosity
from harness.results.files import write_atomically
from harness.results.text import counted, one_line
from harness.search.orders.interleaving import MIXES, Mix, OrderResult
from harness.search.orders.orders import read_order, written
from harness.search.orders.playing import OrderSettings, play_orders
from harness.suite import ExitStatus
from harness.target import load_target

SCHEMA = "harness.interleave/1"
JSON_FILE = "interleave.json"
_WHAT = tuple(option for option in WHAT if option is not WHAT[-1])  # nothing here is unavailable, so nothing is strict
ORDERS = (
    click.option("--mix", "mixes", type=click.Choice(MIXES), multiple=True,
                 help="Copies of one delivery, different deliveries, or deliveries and a read.  [default: each]"),
    click.option("--copies", "requests", type=click.IntRange(2, 3), default=2, show_default=True, metavar="N",
                 help="Requests at once."),
    click.option("--order", metavar="1212...", help="Only this order: whose statement goes on, one after the other."),
)  # fmt: skip


@click.command()
@options(ORDERS, _WHAT, WHERE, STACK, OUTPUT)
def interleave(*, mixes: Sequence[Mix], requests: int, order: str | None, **given: Any) -> ExitStatus:
    """Hold every statement of some requests, and let them through one by one, in every order.

    Exit status: 0 all held; 1 something failed; 2 interrupted; 3 inconclusive, or the harness broke;
    4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    only = None if order is None else read_order(order, requests)
    if only is not None and len(mixes) != 1:
        mend = "name one, such as --mix copies"
        raise UsageError.at("command line", "--mix", ", ".join(mixes), "an order is of one mix", mend=mend)
    with search_stage(settings, load_target(settings.target_file), output) as stage:
        chosen = OrderSettings(lane=stage.lane, mixes=tuple(mixes) or MIXES, requests=requests, only=only)
        one = _Orders(stage, chosen, verbose=output.verbosity >= Verbosity.VERBOSE)
        status = finished(stage, one.play, one.write)
        stage.screen.write_all(one.closing())
        if output.as_json:
            sys.stdout.write((stage.folder.path / JSON_FILE).read_text("utf-8"))
    return status


class _Orders:
    """All orders under way."""

    def __init__(self, stage: SearchStage, chosen: OrderSettings, *, verbose: bool) -> None:
        self._stage = stage
        self._chosen = chosen
        self._verbose = verbose
        self._results: list[OrderResult] = []
        self._seconds = 0.0

    def play(self) -> ExitStatus:
        with self._stage.servers() as bed:
            one = self._chosen.only
            self._stage.screen.progress("playing every order" if one is None else f"playing the order {written(one)}")
            began = time.monotonic()
            try:
                asyncio.run(self._go(bed))
            finally:
                self._seconds = time.monotonic() - began
        return status_of(self._results)

    async def _go(self, bed: Testbed) -> None:
        await play_orders(bed, self._chosen, repro=self._repro, told=self._tell)

    def _repro(self, mix: Mix, order: str) -> str:
        return self._stage.line("interleave", "--mix", mix, "--copies", str(self._chosen.requests), "--order", order)

    def _tell(self, result: OrderResult) -> None:
        self._results.append(result)
        if result.verdict is not Verdict.HELD or self._verbose:
            self._stage.screen.write_all(story_of(result))

    def write(self, complete: bool, status: ExitStatus) -> None:
        """Write `interleave.json`."""
        data = {
            "schema": SCHEMA, "complete": complete, "exit_status": int(status),
            "run": dataclasses.asdict(self._stage.info), "counts": dict(self._counts()),
            "orders": [as_json(result) for result in self._results],
        }  # fmt: skip
        path: Path = self._stage.folder.path / JSON_FILE
        write_atomically(path, json.dumps(data, indent=1) + "\n")

    def _counts(self) -> Counter[str]:
        return Counter(result.verdict.value for result in self._results)

    def closing(self) -> Iterator[Line]:
        """Counts, by mix, and where the results are."""
        for mix in MIXES:
            own = [result for result in self._results if result.mix == mix]
            if own:
                yield [(counts_line(self._chosen.requests, mix, own), "")]
        counts = ", ".join(f"{count} {word}" for word, count in self._counts().items()) or "nothing ran"
        yield [(counts, BOLD), (f" in {self._seconds:.1f} s", "")]
        yield [(f"results: {self._stage.folder.shown}/{JSON_FILE}", "")]


def counts_line(requests: int, mix: Mix, results: Sequence[OrderResult]) -> str:
    """What the orders of one mix amount to."""
    counts = ", ".join(f"{count} {word}" for word, count in Counter(each.verdict.value for each in results).items())
    locked = sum(1 for each in results if each.waits)
    return f"{requests} {mix}: {counted(len(results), 'order')}, {locked} of them with a wait for a lock: {counts}"


def status_of(results: Sequence[OrderResult]) -> ExitStatus:
    """As the gate's."""
    verdicts = {result.verdict for result in results}
    if Verdict.FAILED in verdicts:
        return ExitStatus.FAILED
    if verdicts - {Verdict.HELD}:
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.HELD if results else ExitStatus.NOTHING_RAN


def as_json(result: OrderResult) -> dict[str, Any]:
    """One order, for programs."""
    return {
        "mix": result.mix, "requests": result.requests, "order": written(result.order),
        "verdict": result.verdict.value, "reason": result.reason, "failing_checks": list(result.failing),
        "statements": list(result.told), "answers": list(result.answers), "waits_for_locks": result.waits,
        "history": list(result.story), "repro": result.repro,
    }  # fmt: skip


def story_of(result: OrderResult) -> Iterator[Line]:
    """What there is to say of an order."""
    style = {Verdict.HELD: GOOD, Verdict.FAILED: BAD}.get(result.verdict, DOUBT)
    yield [(f"{result.verdict.value:13}", style), (result.name, BOLD)]
    if result.reason:
        yield [("    why    ", DIM), (one_line(result.reason), style)]
    yield [("    order  ", DIM), (one_line(", ".join(result.told)), "")]
    yield [("    answer ", DIM), (one_line("; ".join(result.answers)), "")]
    yield [("    repro", DIM)]
    yield [(result.repro, BOLD)]


__all__ = ["interleave", "status_of"]
