"""Collects the reports of the relay and the keeper on one lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from harness.history import Recorder
from harness.history.events import ServiceEnded
from harness.relay import Ended, Fired, Passed, Report


class LaneReports:
    """Follows one lane. `hops`: the relay's names for its links, known once they are laid."""

    def __init__(self) -> None:
        self.hops: Collection[str] = ()
        self.recorder: Recorder | None = None
        """The history of the cell that is tried: the service's end is recorded there."""
        self.ended: Counter[str] = Counter()
        """How many of the lane's connections to its servers have ended so far, by hop."""
        self.fired: dict[str, Fired] = {}
        """The rules that fired, by their ids."""
        self.passed: set[str] = set()
        """The rules whose held messages have been passed on."""
        self.died: ServiceEnded | None = None
        """The last time that the service ended by itself, until a caller takes it."""

    def relayed(self, report: Report) -> None:
        """Record a report of the relay. Reports on other lanes are ignored."""
        if report.hop not in self.hops:
            return
        if isinstance(report, Ended):
            self.ended[report.hop] += 1
        elif isinstance(report, Fired):
            self.fired[report.rule] = report
        elif isinstance(report, Passed):
            self.passed.add(report.rule)

    def service_ended(self, event: ServiceEnded) -> None:
        """Record the end of the service's process, if a cell is being tried."""
        if not event.asked_by:
            self.died = event
        if self.recorder is not None:
            self.recorder.record("service", event)
