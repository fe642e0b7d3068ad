"""Makes the clients of a step hang up as soon as a moment is seen that is not a message."""

from __future__ import annotations

from typing import Final

from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.messages.timing import Trigger
from harness.faults.site import Site
from harness.vocabulary import Moment

EVIDENCE: Final = EvidenceKind("hang_up", "client", "it closed its connection when the moment was seen")


class HangUpWhen(Injection):
    """All clients of the site whose requests are open hang up once. `trigger`: reports when `moment` has come."""

    def __init__(self, moment: Moment, trigger: Trigger, site: Site) -> None:
        self._moment = moment
        self._trigger = trigger
        self._site = site
        self._background = Background()
        self._striking = False
        self._count = 0

    async def act(self) -> None:
        """Watch for the moment."""
        await self._trigger.begin()
        self._background.begin(self._strike())

    async def _strike(self) -> None:
        await self._trigger.come()
        self._striking = True
        for caller in self._site.callers.open:
            if await caller.hang_up(self._moment):
                self._count += 1
                self._site.saw(EVIDENCE, f"the client of request {caller.request} (port {caller.port}) hung up")

    async def fired(self) -> int:
        """How many clients have hung up."""
        return self._count

    async def instead(self) -> str:
        """What came instead of the moment."""
        if self._count:
            return ""
        seen = "the moment came, and none had a request open" if self._striking else await self._trigger.instead()
        return f"0 of {self._site.callers.count} clients hung up; {seen}"

    async def heal(self) -> None:
        """Stop watching."""
        await self._background.end(cancel=not self._striking)
        self._background.check()
