"""Plays all orders as one run of the gate, with one result like a scenario's: `asked` has the scenario."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path

from harness.checks import CheckResult, Verdict, worst
from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed
from harness.results import Evidence, RunKey, RunResult
from harness.results.files import write_atomically
from harness.search.orders.asked import ID, THEME
from harness.search.orders.interleaving import Mix, OrderResult
from harness.search.orders.orders import written
from harness.search.orders.playing import OrderSettings, play_orders

REASONS = 3
FOLDER = "orders"
"""The folder in a run's folder that contains one file per run, with one line per order."""


def run_orders(
    mixes: Sequence[Mix], configuration: RunConfiguration, bed: Testbed, *, at_most: int | None = None
) -> RunResult:
    """Play every order of each mix. Return one result: the worst verdict, and the orders with it.

    If a mix has more than `at_most` orders, the rest are not played, and a result that held is then inconclusive.
    Raises HarnessError if the service does not start.
    """
    key = RunKey(ID, configuration.profile, configuration.without)
    found: list[OrderResult] = []
    began = time.monotonic()
    settings = OrderSettings(run=configuration, mixes=tuple(mixes), at_most=at_most)
    repro = configuration.repro(key, configuration.seed)
    cut_short = asyncio.run(play_orders(bed, settings, repro=lambda _mix, _order: repro, told=found.append))
    duration_s = round(time.monotonic() - began, 3)
    _write(found, key, configuration.folder)
    return RunResult(
        key=key,
        theme=THEME,
        verdict=_verdict(found, cut_short),
        reason=_reason(found, cut_short, at_most),
        checks=_failing(found),
        evidence=_evidence(found),
        figures={"orders": len(found), "orders_with_a_lock_wait": sum(1 for each in found if each.waits)},
        duration_s=duration_s,
        overhead_s=0.0,
        seed=configuration.seed,
        repro=repro,
        history=None,
        schedule=None,
        role=configuration.role,
    )


def _verdict(found: Sequence[OrderResult], cut_short: Sequence[Mix]) -> Verdict:
    doubts = [Verdict.INCONCLUSIVE] if cut_short or not found else []
    return worst([*doubts, *(each.verdict for each in found)]) or Verdict.INCONCLUSIVE


def _reason(found: Sequence[OrderResult], cut_short: Sequence[Mix], at_most: int | None) -> str:
    bad = [each for each in found if each.verdict is not Verdict.HELD]
    if not found:
        return "no order was played"
    told = "; ".join(f"order {written(each.order)}: {each.reason}" for each in bad[:REASONS])
    parts = [f"{len(bad)} of {len(found)} orders: {told}"] if bad else []
    if cut_short:
        mixes = ", ".join(cut_short)
        parts.append(f"{mixes}: more than {at_most} orders, and the rest was not played ([interleavings] at_most)")
    return "; ".join(parts)


def _failing(found: Sequence[OrderResult]) -> tuple[CheckResult, ...]:
    """Each check that failed anywhere, once, with the first order's reason."""
    first: dict[str, CheckResult] = {}
    for each in found:
        for name in each.failing:
            first.setdefault(name, CheckResult(name, True, f"order {written(each.order)}: {each.reason}"))
    return tuple(first.values())


def _evidence(found: Sequence[OrderResult]) -> tuple[Evidence, ...]:
    orders = " ".join(written(each.order) for each in found)
    return (Evidence("wire_order", "relay", time.monotonic_ns(), f"{len(found)} orders: {orders}"),) if found else ()


def _write(found: Sequence[OrderResult], key: RunKey, folder: Path) -> None:
    """Write one order per line. Each order has a history in memory only, and together they make no history."""
    path = folder / FOLDER / f"{key}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"order": written(each.order), "told": each.told, "story": each.story}) for each in found]
    write_atomically(path, "".join(f"{line}\n" for line in lines))
