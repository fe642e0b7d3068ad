"""`harness interleave`: runs two or three requests in every order of their statements."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from harness.checks import Verdict
from harness.cli.options import OUTPUT, PLAN, STACK, WHERE, options, output_of, settings_of
from harness.cli.stage import finished, on_screen, typed
from harness.exit_status import ExitStatus
from harness.present.terminal.screen import Verbosity
from harness.present.terminal.views.search.orders import order_lines, orders_lines
from harness.search.orders.interleaving import MIXES, Mix, OrderResult
from harness.suite.verbs.orders import JSON_FILE, OrderChoice, Orders
from harness.suite.verbs.search import open_search
from harness.target import load_target

ORDERS = (
    click.option("--mix", "mixes", type=click.Choice(MIXES), multiple=True,
                 help="Copies of one delivery, different deliveries, or deliveries and a read.  [default: each]"),
    click.option("--copies", "requests", type=click.IntRange(2, 3), default=2, show_default=True, metavar="N",
                 help="Requests at once."),
    click.option("--order", metavar="1212...", help="Only this order: which request's statement goes on next."),
)  # fmt: skip


@click.command()
@options(ORDERS, PLAN, WHERE, STACK, OUTPUT)
def interleave(*, mixes: Sequence[Mix], requests: int, order: str | None, **given: Any) -> ExitStatus:
    """Hold every statement of some requests, and release them one by one, in every possible order.

    Exit status: 0 all held; 1 something failed; 2 interrupted; 3 inconclusive, or the harness broke;
    4 usage or configuration; 5 nothing ran.
    """
    output, settings = output_of(given), settings_of(given)
    choice = OrderChoice.of(mixes, requests, order)
    with (
        on_screen(output) as screen,
        open_search(settings, load_target(settings.target_file), command=typed(), progress=screen.progress) as search,
    ):

        def judged(result: OrderResult) -> None:
            if result.verdict is not Verdict.HELD or output.verbosity >= Verbosity.VERBOSE:
                screen.write_all(order_lines(result))

        one = Orders(search, choice, judged)
        status = finished(screen, one.play, one.write)
        screen.write_all(orders_lines(one, search.folder.shown))
        if output.as_json:
            sys.stdout.write((search.folder.path / JSON_FILE).read_text("utf-8"))
    return status


__all__ = ["interleave"]
