"""Finds the requests of a run that the scenario sent, as opposed to the harness's own."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.history import Entry, History
from harness.history.events import Purpose, RequestSent


def scenario_requests(history: History) -> Sequence[Entry]:
    """Return the sending of each request that the scenario sent. Raises HarnessError if it sent none."""
    found = [entry for entry in history.entries if _is_the_scenarios(entry.event)]
    if not found:
        raise HarnessError("the scenario sent nothing: there is nothing to count by", hint="deliver something")
    return found


def _is_the_scenarios(event: object) -> bool:
    return isinstance(event, RequestSent) and event.purpose == Purpose.SCENARIO
