"""Finds the requests of a run that the scenario sent, not those that the harness itself sent."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.clock import Span
from harness.checks.facts.exchanges import exchanges
from harness.errors import HarnessError
from harness.history import Entry, History
from harness.history.events import Purpose, RequestSent


def scenario_requests(history: History, *, since_ns: int = 0) -> Sequence[Entry]:
    """Return the sending of each request that the scenario sent since then. Raises HarnessError if it sent none."""
    found = [entry for entry in history.entries if entry.t_ns >= since_ns and _is_the_scenarios(entry.event)]
    if not found:
        raise HarnessError("the scenario sent no request, so there is nothing to divide by", hint="deliver something")
    return found


def sampled_at_rest(history: History) -> Sequence[Span]:
    """The times in which the service's health was sampled while no other request was open.

    The service's traffic at that time does not belong to the scenario.
    """
    sent = exchanges(history)
    others = [e.span for e in sent if e.sent.purpose != Purpose.SAMPLE]
    samples = [e.span for e in sent if e.sent.purpose == Purpose.SAMPLE]
    return [span for span in samples if not any(other[0] < span[1] and span[0] < other[1] for other in others)]


def within(t_ns: int, spans: Sequence[Span]) -> bool:
    """Whether that moment lies in one of the spans."""
    return any(began <= t_ns <= ended for began, ended in spans)


def _is_the_scenarios(event: object) -> bool:
    return isinstance(event, RequestSent) and event.purpose == Purpose.SCENARIO
