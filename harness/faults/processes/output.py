"""Faults of the service's output: it cannot be written, because the disk is full or the pipe is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.link import down
from harness.faults.site import Site
from harness.stack.service.lost_output import LostOutput

OUTPUT_LOST = EvidenceKind("output_lost", "kernel", "the service's standard output leads nowhere", felt=False)
STANDARD_OUTPUT = 1
FULL_DISK = Path("/dev/full")


@dataclass(frozen=True, repr=False)
class LoseOutput(Fault, kind="process.lose_output"):
    """The service is restarted with an output that it cannot write. Healing restarts it with its log.

    For example::

        async with lab.inject(process.lose_output(to="full disk"), link.down(redis)):
            await lab.deliver(5)

    Every write to standard output and standard error fails: on a full disk with ENOSPC (full(4)), into a closed pipe
    with EPIPE, if the program ignores SIGPIPE (pipe(7)); otherwise that signal ends it. The harness then asks the
    kernel where the service listens, because there is no log.

    That the output leads nowhere does not prove that the service felt it. Use a figure with `at_least`, or another
    fault, to show this.

    Args:
        to: `full disk` or `closed pipe`.
    """

    does: ClassVar[str] = "start the service with its output to a {fault.to}"
    of_the_process: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (OUTPUT_LOST,)
    to: Literal["full disk", "closed pipe"] = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service cannot log. A link is down, too: the service refuses a delivery that needs it."""
        fault = cls(to="full disk")
        return Example(fault, beside=(down(ground.link),), deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Restart it with such an output."""
        return _LoseOutput(self, site)


class _LoseOutput(Injection):
    starts_anew = True

    def __init__(self, fault: LoseOutput, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._acted = False

    async def act(self) -> None:
        service = self._site.service
        await self._site.asking.hush()
        try:
            await service.stop()
            self._acted = True
            service.output = LostOutput(FULL_DISK if self._fault.to == "full disk" else None)
            await service.start()
        finally:
            self._site.asking.allow()
            if self._acted:  # it was started, even if it does not come up
                pid = service.process.pid
                self._site.saw(OUTPUT_LOST, f"pid {pid} was started with its output to a {self._fault.to}{_seen(pid)}")

    async def heal(self) -> None:
        if not self._acted:
            return
        self._acted = False
        service = self._site.service
        service.output = None
        await self._site.asking.hush()
        try:
            await service.stop()
            await service.start()
        finally:
            self._site.asking.allow()


def _seen(pid: int) -> str:
    """Where the standard output of a process leads, if the process still exists."""
    try:
        return f" ({Path(f'/proc/{pid}/fd/{STANDARD_OUTPUT}').readlink()})"
    except OSError:
        return ""
