"""Runs several processes of the service: copies beside it, or a new one that replaces the old one."""

from __future__ import annotations

from collections import Counter
from typing import Final

from harness.engine.rig import Rig
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.site import Site
from harness.stack.service.service import Copy

EACH_ANSWERED: Final = EvidenceKind("each_answered", "client", "each process of the service has answered requests")
TOOK_OVER: Final = EvidenceKind("took_over", "keeper", "a new process took over, and the old one has ended")


class MoreCopies(Injection):
    """Starts processes beside the first one, until there are `n`. When healed, they drain and end."""

    def __init__(self, n: int, rig: Rig, site: Site) -> None:
        self._n = n
        self._rig = rig
        self._site = site
        self._copies: list[Copy] = []
        self._before: Counter[int] = Counter()

    async def act(self) -> None:
        """Start the processes one after the other. Raises ServiceStartError."""
        for _ in range(self._n - 1):
            self._copies.append(await self._rig.start_copy())
        self._before = self._rig.clients.answered.copy()

    @property
    def _answered(self) -> dict[int, int]:
        """How many requests each has answered since there were `n`, by its port."""
        ports = [self._site.service.port, *(copy.port for copy in self._copies)]
        return {port: self._rig.clients.answered[port] - self._before[port] for port in ports}

    async def fired(self) -> int:
        """The smallest number of requests that one of them has answered."""
        return min(self._answered.values(), default=0) if self._copies else 0

    async def instead(self) -> str:
        """The process that has answered nothing."""
        silent = [str(port) for port, count in self._answered.items() if not count]
        return f"no request was answered at port {', '.join(silent)}" if silent else ""

    async def heal(self) -> None:
        """End the further ones; the first one stays."""
        if await self.fired():
            told = ", ".join(f"{count} at port {port}" for port, count in self._answered.items())
            self._site.saw(EACH_ANSWERED, f"answers: {told}")
        while self._copies:
            await self._site.service.end_copy(self._copies.pop())


class RollingChange(Injection):
    """Starts a new process beside the old one. When it is healed, it takes over, and the old one drains and ends."""

    def __init__(self, rig: Rig, site: Site) -> None:
        self._rig = rig
        self._site = site
        self._new: Copy | None = None

    async def act(self) -> None:
        """Start the new one. Raises ServiceStartError."""
        self._new = await self._rig.start_copy()

    async def heal(self) -> None:
        """Make the new process take over: from now on it gets all requests."""
        new, self._new = self._new, None
        if new is None:
            return
        old = self._site.service.take_over(new)
        await self._site.service.end_copy(old)
        status = old.process.poll()
        self._site.saw(TOOK_OVER, f"pid {new.process.pid} took over; pid {old.process.pid} ended with status {status}")
