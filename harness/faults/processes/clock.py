"""The service's wall clock is set forward or back while it runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import CLOCK, Injection, Need
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site

CLOCK_SET = EvidenceKind("clock_set", "kernel", "the service's processes read another time", felt=False)
ANSWERS_DATED = EvidenceKind("answers_dated", "client", "the service's answers have the other time as their date")
AHEAD_MAX_S = 10 * 366 * 86_400


@dataclass(frozen=True, repr=False)
class Clock(TimedFault, kind="process.clock"):
    """The service's wall clock is set forward or back while it runs. Healing sets it right, in one step.

    For example::

        async with lab.inject(process.clock(ahead_s=3600)):
            await lab.deliver()

    Its monotonic clock stays, and so do the clocks of the servers. A Python sender that takes `age_s` signs by the
    service's clock, as if time itself had passed: what is valid stays valid, and what is stale stays stale.

    A program reads its wall clock from the vDSO (vdso(7)), by code that the kernel maps into each process. The harness
    writes there, into this process's own copy, so that it needs no preloaded library and no restart. A service that is
    restarted while the fault is in force gets the same clock once it is alive.

    The evidence: the new code is in place, and, if the service's answers have a date (HTTP's `Date`), they show the
    other time. Without such a date the service must feel something else.

    Args:
        ahead_s: by how many seconds its clock is ahead of the machine's; negative: behind.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `ahead_s` is 0, or more than ten years.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({CLOCK})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CLOCK_SET, ANSWERS_DATED)
    ahead_s: int = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < abs(self.ahead_s) <= AHEAD_MAX_S:
            problem = "changes nothing" if self.ahead_s == 0 else "is more than ten years"
            raise UsageError.at(self.kind, "ahead_s", self.ahead_s, problem, mend="write 3600, or -3600 for back")

    def effect(self) -> str:
        """By how much, and in which direction."""
        return f"set the service's wall clock {abs(self.ahead_s)} s {'ahead' if self.ahead_s > 0 else 'back'}"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """A delivery is acknowledged an hour later, too. A link is also cut, so that the service feels something."""
        return Example(cls(ahead_s=3600), beside=(cut(ground.link),), deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """Set it."""
        return _Clock(self, site)


class _Clock(Injection):
    def __init__(self, fault: Clock, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._acted = False

    async def act(self) -> None:
        service = self._site.service
        self._acted = True
        service.dates.clear()
        await asyncio.to_thread(service.set_clock, self._fault.ahead_s)
        pids = ", ".join(map(str, sorted(service.pids())))
        self._site.saw(CLOCK_SET, f"pid {pids}: {self._fault.ahead_s} s ahead of the machine's clock")

    @property
    def _dated(self) -> list[float]:
        """How far ahead the dates of the answers were that show the other time. HTTP's date has whole seconds."""
        return [
            ahead_s for ahead_s in self._site.service.dates if abs(ahead_s - self._fault.ahead_s) < abs(ahead_s) / 2
        ]

    async def fired(self) -> int:
        """How many answers had a date of the other time."""
        return len(self._dated)

    async def heal(self) -> None:
        if not self._acted:
            return
        if self._dated:
            self._site.saw(ANSWERS_DATED, f"{len(self._dated)} answers, one {self._dated[0]:.0f} s ahead")
        self._acted = False
        await asyncio.to_thread(self._site.service.set_clock, 0)
