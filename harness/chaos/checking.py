"""Reads what the application left behind on its servers, and runs the standing checks on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks import CheckResult
from harness.checks.standing.order import named
from harness.checks.standing.safety import promised_deliveries
from harness.engine.observing.servers.sessions import Sessions
from harness.faults.site import Site
from harness.history import History, Recorder
from harness.history.events import AtRest, Purpose, RequestEnded, RequestSent, RowsRead, StoredRow
from harness.polling import poll_async
from harness.protocols.contract.about import ABOUT
from harness.target.sections.stored import StoredDescription
from harness.vocabulary import Outcome

OF_ROWS = ("acknowledged_is_stored", "stored_once", "nothing_foreign", "refused_is_not_stored", "answers_agree")
AT_REST = ("pool_returns", "leaves_nothing")
READ_EVERY_S = 0.05
UNTOLD = "untold"
"""Replaces each body's digest: a test reports only ids, so bodies do not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequest:
    """What to read: see `Chaos.check`."""

    stored: str | None
    connections: int | None
    within_s: float


async def answers(recorder: Recorder, delivery: str, outcome: Outcome) -> None:
    """Record a request of the test's own, and its answer."""
    number = recorder.mark()
    recorder.record("client", RequestSent(number, delivery, UNTOLD, 0, Purpose.SCENARIO))
    recorder.record("client", RequestEnded(number, outcome, 0.0))


async def read(reading: CheckRequest, site: Site, sessions: Sessions, recorder: Recorder) -> None:
    """Wait until the application is at rest, up to the limit, and record what is left then."""
    rest: Sequence[AtRest] = ()
    rows: Sequence[StoredRow] | None = None
    promised = promised_deliveries(recorder.history)

    async def at_rest() -> bool:
        nonlocal rest, rows
        rest = await _at_rest(reading, site, sessions)
        rows = await _rows(reading, site, sessions)
        return all(each.seen <= each.at_most for each in rest) and (
            rows is None or promised <= {row.id for row in rows}
        )

    await poll_async(at_rest, within_s=reading.within_s, interval_s=READ_EVERY_S)
    for each in rest:
        recorder.record("server", each)
    if rows is not None:
        recorder.record("server", RowsRead(tuple(rows)))


async def _at_rest(reading: CheckRequest, site: Site, sessions: Sessions) -> Sequence[AtRest]:
    found: list[AtRest] = []
    for name, laid in site.links.items():
        probe = sessions.of(laid.link)
        count = await probe.sessions()
        if count is not None:
            found.append(AtRest("busy connections", count.busy, 0, name))
            if reading.connections is not None:
                found.append(AtRest("connections", count.open, reading.connections, name))
        limits = ABOUT.of(laid.link.protocol).residue
        left = await probe.residue() if any(limit is not None for limit in limits.values()) else {}
        found += [
            AtRest(what, left[what], limit, name)
            for what, limit in limits.items()
            if limit is not None and what in left
        ]
    return found


async def _rows(reading: CheckRequest, site: Site, sessions: Sessions) -> Sequence[StoredRow] | None:
    """The rows that the SQL lists; None without any."""
    if reading.stored is None:
        return None
    stored = StoredDescription(sql=reading.stored, digests=False)
    rows = await sessions.of(site.links[stored.link].link).rows(stored.query or "", None)
    return [StoredRow(name, UNTOLD, copies) for name, _, copies in rows]


def judged(reading: CheckRequest, history: History) -> Sequence[CheckResult]:
    """Let the checks judge it. Raises AssertionError with the sentences of those that failed."""
    __tracebackhide__ = True
    names = (*(OF_ROWS if reading.stored is not None else ()), *AT_REST)
    results = [check(history) for name in names if (check := named(name)) is not None]
    failed = [f"{result.name}: {result.reason}" for result in results if result.failed]
    if failed:
        raise AssertionError("; ".join(failed))
    return results
