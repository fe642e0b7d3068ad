"""The test's own process, in place of a service that the harness starts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.chaos.connects import Connects
from harness.errors import HarnessError
from harness.processes.keeper import Keeper
from harness.processes.syscalls import SyscallEvent
from harness.stack.service.service import EndOfService, ServiceProcess
from harness.stack.service.start import ServiceSpec


class OwnProcess(ServiceProcess):
    """The application as the kernel sees it: this process, and its children.

    The harness has not started it, so it cannot end it, answer its calls or read what it logs: its log stays empty.
    """

    def __init__(self, keeper: Keeper, log: Path, connects: Connects) -> None:
        spec = ServiceSpec(
            argv=(), environment={}, cwd=Path.cwd(), log=log, listening=None, alive="/",
            start_within_s=0.0, stop_within_s=0.0, watch_connects=False,
        )  # fmt: skip
        super().__init__(keeper, spec, _never_ends)
        self._connects = connects
        self.connects_seen_by = connects.seen_by

    @property
    def running(self) -> bool:
        """It always runs."""
        return True

    def pids(self) -> frozenset[int]:
        """This process. Its callers include its children."""
        return frozenset({os.getpid()})

    def syscall_events(self) -> Sequence[SyscallEvent]:
        """Its connects, as far as Python reports them."""
        return self._connects.events()

    def refusals(self, port: int) -> int | None:
        """The connects of every process of this machine: only this test uses the port."""
        return self._connects.refused(port)


def _never_ends(end: EndOfService) -> None:
    raise HarnessError(f"a service ended that was never started: {end}")
