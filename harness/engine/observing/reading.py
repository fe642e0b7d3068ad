"""Reads evidence and figures from a finished history."""

from __future__ import annotations

from collections.abc import Mapping

from harness.checks.facts.exchanges import exchanges
from harness.checks.facts.shares import share_of
from harness.checks.standing.failover import acknowledged_by_old_primaries, lost_by_failover, write_gap
from harness.history import History
from harness.history.events import CoresSeen, EvidenceSeen, FailedOver, FaultActed, Healthy, Recovered, ServiceStarted
from harness.results import Evidence
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN


def evidence_of(history: History) -> tuple[Evidence, ...]:
    """Return all evidence, oldest first. If no fault was injected, the answers are the evidence."""
    faults = {acted.number: acted.fault for acted in history.of(FaultActed)}
    found: list[Evidence] = []
    told: set[int] = set()
    for entry in history.entries:
        event = entry.event
        if isinstance(event, EvidenceSeen):
            fault = faults.get(event.number)
            detail = f"{fault!r}: {event.detail}" if fault else event.detail
            share = None if event.number in told else share_of(history, event.number)
            told.add(event.number)
            detail += f"; {share.told}" if share else ""
            found.append(Evidence(event.what, event.source, entry.t_ns, detail, event.at, fault))
    return tuple(found) if found else _answers(history)


def _answers(history: History) -> tuple[Evidence, ...]:
    judged = [exchange for exchange in exchanges(history) if exchange.judged]
    if not judged:
        return ()
    answered = sum(1 for exchange in judged if exchange.ended is not None and exchange.ended.status is not None)
    return (Evidence("answers", "client", history.entries[-1].t_ns, f"{answered} answers to {len(judged)} requests"),)


def figures_of(history: History) -> Mapping[str, float]:
    """Milliseconds and counts, by name."""
    judged = [exchange for exchange in exchanges(history) if exchange.judged]
    figures: dict[str, float] = {"requests": len(judged)}
    for label, outcome in (("acknowledged", ACKNOWLEDGED), ("refused", REFUSED), ("unknown", UNKNOWN)):
        figures[label] = sum(1 for exchange in judged if exchange.outcome == outcome)
    times = [exchange.ended.took_ms for exchange in judged if exchange.ended]
    if times:
        figures["slowest_ms"] = max(times)
    for name, event in (("healthy_ms", history.last(Healthy)), ("recovery_ms", history.last(Recovered))):
        if event is not None:
            figures[name] = event.median_ms if isinstance(event, Healthy) else event.took_ms
    started = next(history.of(ServiceStarted), None)
    if started is not None:
        figures["service_start_ms"] = started.took_ms
    figures |= _of_failovers(history)
    over_ms = sum(seen.over_ms for seen in history.of(CoresSeen))
    if over_ms:
        figures["others_share"] = round(sum(seen.others * seen.over_ms for seen in history.of(CoresSeen)) / over_ms, 3)
    return figures


def _of_failovers(history: History) -> Mapping[str, float]:
    if history.last(FailedOver) is None:
        return {}
    gap = write_gap(history)
    lost = {"rows_lost": float(len(lost_by_failover(history)))}
    if any(over.served_on_ms for over in history.of(FailedOver)):
        lost["acknowledged_by_old_primary"] = float(acknowledged_by_old_primaries(history))
    if gap is None:
        return lost
    return {
        **lost, "failover_ms": gap.failover_ms, "without_writes_ms": gap.without_writes_ms,
        "without_writes_ratio": round(gap.ratio, 2),
    }  # fmt: skip
