"""Sends every variant of a request, and compares the service's answers with the approved ones."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.laying.testbed import Testbed
from harness.engine.variants.approved import Approved, Changes, approved_of, changes, file_of, write_approved
from harness.exit_status import ExitStatus
from harness.search.sweep.sweeper import first_lane
from harness.suite.verbs.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswers:
    """The present answers, the approved ones, and how they differ. `path`: the committed file."""

    path: Path
    approved: Approved
    seen: Approved
    updated: bool

    @property
    def changed(self) -> Changes:
        """How the answers differ from the approved ones."""
        return changes(self.approved, self.seen)

    @property
    def status(self) -> ExitStatus:
        """Failed if the committed file differs from the service's answers."""
        return ExitStatus.FAILED if self.changed and not self.updated else ExitStatus.HELD

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        changed = self.changed
        return {"new": list(changed.new), "gone": list(changed.gone), "other": list(changed.other)}


def record_answers(search: Search, *, update: bool) -> RecordedAnswers:
    """Send every variant to the service, and write the file if asked to. Raises UsageError."""
    path, approved = file_of(search.target), approved_of(search.target) or {}
    with search.servers() as bed:
        seen = asyncio.run(_seen(bed, search))
    if update:
        write_approved(seen, path)
    return RecordedAnswers(path=path, approved=approved, seen=seen, updated=update)


async def _seen(bed: Testbed, search: Search) -> Approved:
    async with bed.stack.relay.control() as relay, AsyncExitStack() as owned:
        lane = await first_lane(bed, relay, search.run, owned)
        search.progress("sending every variant of a request")
        return await lane.answers()
