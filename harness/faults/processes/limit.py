"""The service's processes get fewer resources, while they run: descriptors, or memory."""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psutil

from harness.errors import UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.vocabulary.refusals import at_least_one

LIMIT_SET = EvidenceKind("limit_set", "kernel", "the service's processes have less than before", felt=False)
LIMIT_REACHED = EvidenceKind("limit_reached", "kernel", "a process of the service has all that it may have")
SEEN_EVERY_S = 0.005
NEAR_BYTES = 1 << 20
"""A process has reached its limit if less than this is left, or less than half of the extra room that it was given."""


@dataclass(frozen=True, repr=False)
class Limit(TimedFault, kind="process.limit"):
    """The service's processes can open only a few more descriptors, or use little more memory, until healed.

    For example::

        async with lab.inject(process.limit(more_descriptors=20)):
            await lab.deliver(50, expect=ACKNOWLEDGED | REFUSED | UNKNOWN)

    The limits are those of setrlimit(2), set by prlimit(2) on the running processes: beyond RLIMIT_NOFILE a socket or a
    file is not opened (EMFILE), beyond RLIMIT_AS no memory is mapped (ENOMEM). They count from what each process has
    when the fault strikes.

    The evidence is that a process reached its limit. That the limit was set is not enough.

    Args:
        more_descriptors: how many more each process may have open than it has, 1 or more.
        more_memory_bytes: how much more each process may map than it has, 1 or more.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: neither limit is given, or one is less than 1.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LIMIT_SET, LIMIT_REACHED)
    more_descriptors: int | None = field(default=None, kw_only=True)
    more_memory_bytes: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.more_descriptors is None and self.more_memory_bytes is None:
            mend = "give more_descriptors or more_memory_bytes"
            raise UsageError.at(self.kind, "limits", None, "nothing is limited", mend=mend)
        for name in ("more_descriptors", "more_memory_bytes"):
            if (most := getattr(self, name)) is not None:
                at_least_one(self.kind, name, most, "nothing could be done any more")

    def effect(self) -> str:
        """What is limited, and by how much."""
        parts = [f"{self.more_descriptors} descriptors"] if self.more_descriptors is not None else []
        parts += [f"{self.more_memory_bytes} bytes of memory"] if self.more_memory_bytes is not None else []
        return f"give the service's processes at most {' and '.join(parts)} more than they have"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The process has room enough. A link is also cut, so that the service feels something."""
        return Example(cls(more_descriptors=100), beside=(cut(ground.link),), deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """Set the limits."""
        return _Limit(self, site)


@dataclass(frozen=True, slots=True)
class _Before:
    """The limits that a process had, by resource (soft, hard). `most`: what it may have now. `near_bytes`: as above."""

    limits: Mapping[int, tuple[int, int]]
    most: Mapping[int, int]
    near_bytes: int


class _Limit(Injection):
    def __init__(self, fault: Limit, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._before: dict[psutil.Process, _Before] = {}
        self._reached = 0
        self._background = Background()

    async def act(self) -> None:
        for pid in sorted(self._site.service.pids()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                self._before[process] = await asyncio.to_thread(_limited, process, self._fault)
        told = ", ".join(f"pid {process.pid}: {_told(before.most)}" for process, before in self._before.items())
        self._site.saw(LIMIT_SET, told)
        self._background.begin(self._watch())

    async def _watch(self) -> None:
        while not self._reached:
            for process, before in self._before.items():
                if await asyncio.to_thread(_is_at_its_limit, process.pid, before):
                    self._reached += 1
                    self._site.saw(LIMIT_REACHED, f"pid {process.pid} has all that it may have: {_told(before.most)}")
            await asyncio.sleep(SEEN_EVERY_S)  # the kernel sends no event for a limit that is reached

    async def fired(self) -> int:
        """Whether a process was seen at its limit."""
        return self._reached

    async def heal(self) -> None:
        await self._background.end(cancel=True)
        for process, before in self._before.items():
            for what, limits in before.limits.items():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.rlimit(what, limits)
        self._before.clear()
        self._background.check()


def _limited(process: psutil.Process, fault: Limit) -> _Before:
    """Limit a process. Raises psutil.NoSuchProcess."""
    most: dict[int, int] = {}
    if fault.more_descriptors is not None:
        most[resource.RLIMIT_NOFILE] = _highest_descriptor(process.pid) + 1 + fault.more_descriptors
    if fault.more_memory_bytes is not None:
        most[resource.RLIMIT_AS] = process.memory_info().vms + fault.more_memory_bytes
    limits = {what: process.rlimit(what) for what in most}
    for what, (_, hard) in limits.items():
        process.rlimit(what, (most[what], hard))
    near_bytes = min(NEAR_BYTES, (fault.more_memory_bytes or 0) // 2)
    return _Before({what: (soft, hard) for what, (soft, hard) in limits.items()}, most, near_bytes)


def _highest_descriptor(pid: int) -> int:
    """RLIMIT_NOFILE is one more than the highest number of a new descriptor."""
    return max((int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()), default=0)


def _is_at_its_limit(pid: int, before: _Before) -> bool:
    try:
        for what, number in before.most.items():
            if what == resource.RLIMIT_NOFILE and _highest_descriptor(pid) >= number - 1:
                return True
            if what == resource.RLIMIT_AS and psutil.Process(pid).memory_info().vms > number - before.near_bytes:
                return True
    except (OSError, psutil.NoSuchProcess):
        return False
    return False


def _told(most: Mapping[int, int]) -> str:
    names = {resource.RLIMIT_NOFILE: "descriptors", resource.RLIMIT_AS: "bytes of memory"}
    return " and ".join(f"{number} {names[what]}" for what, number in most.items())
