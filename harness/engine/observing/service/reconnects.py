"""Counts for how many healthy requests the service reconnected, by the kernel's record of its connect() calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.clock import Span
from harness.checks.facts.exchanges import exchanges
from harness.engine.rig import Rig
from harness.history import History
from harness.history.events import AtRest, Purpose, StepBegan

RECONNECTS = "connects for a hundred requests"


def reconnects(rig: Rig) -> Iterator[AtRest]:
    """For each link with a limit: for how many percent of the requests before the scenario the service connected.

    These requests come one after the other, with nothing broken. Without the kernel's record there is no result.
    """
    limits = {name: link.reconnects for name, link in rig.target.description.links.items()}
    calls, spans = rig.site.service.syscall_events(), healthy_spans(rig.recorder.history)
    for name, limit in limits.items():
        if limit is None or not calls or not spans:
            continue
        port = rig.site.links[name].port
        yield AtRest(
            RECONNECTS, share([call.t_ns for call in calls if call.port == port and call.is_stream], spans), limit, name
        )


def healthy_spans(history: History) -> Sequence[Span]:
    """The span of each request that was sent, one after the other, before the scenario's first step."""
    begun = next((entry.t_ns for entry in history.entries_of(StepBegan)), None)
    healthy = [e.span for e in exchanges(history) if e.sent.purpose == Purpose.HEALTHY]
    return [span for span in healthy if begun is None or span[0] < begun]


def share(times_ns: Sequence[int], spans: Sequence[Span]) -> float:
    """The percentage of the spans that contain one of these moments."""
    return 100 * sum(any(began <= t_ns <= ended for t_ns in times_ns) for began, ended in spans) / len(spans)
