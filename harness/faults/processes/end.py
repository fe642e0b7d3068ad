"""Faults that end the service's process, or one of its workers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import psutil

from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection, Once
from harness.faults.messages.timing import TimedFault
from harness.faults.processes.workers import LEFT_AFTER_S, Which, all_gone, chosen, lives, send, workers_of
from harness.faults.site import Site
from harness.polling import poll
from harness.processes.keeper import KeptProcess
from harness.stack.tcp.sockets import listening
from harness.vocabulary import UNKNOWN
from harness.vocabulary.refusals import at_least_one

GONE_WITHIN_S = 15.0
CLOSED_WITHIN_S = 5.0
PROCESS_ENDED = EvidenceKind("process_ended", "kernel", "the service's process is gone")
WORKERS_LEFT = EvidenceKind("workers_left", "kernel", "the service's first process is gone, and its workers live on")
LISTENER_CLOSED = EvidenceKind("listener_closed", "kernel", "the service's process listens no longer")
SIGNAL_IGNORED = EvidenceKind("signal_ignored", "kernel", "the service's process still listens after the signal")


@dataclass(frozen=True, repr=False)
class Kill(TimedFault, kind="process.kill"):
    """The service is killed with SIGKILL. Healing starts it again, with the same settings.

    For example::

        async with lab.inject(process.kill(at=postgres.sent("COMMIT"))):
            await lab.deliver(expect=UNKNOWN)

    A process cannot catch or ignore SIGKILL (signal(7)): nothing is flushed or answered. If the service's first process
    is killed, and its other processes live on, the evidence says so, and healing ends them.

    Args:
        worker: which process below the service's first one is struck: its number from 1, in the order of their start,
            or "all" of them. None: the first one. The harness does not restart a worker; the service itself must do
            that.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    of_the_process: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (PROCESS_ENDED, WORKERS_LEFT, SIGNAL_IGNORED)
    worker: int | Literal["all"] | None = field(default=None, kw_only=True)

    def effect(self) -> str:
        """Which process is killed."""
        return f"kill {_whom(self.worker)} (SIGKILL)"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It is killed while it handles a delivery: nothing was promised."""
        return Example(cls(at=ground.sent), expect=UNKNOWN)

    def injection(self, site: Site) -> Injection:
        """Kill it and wait until it is gone."""
        if self.worker is not None:
            return _EndWorkers(self.kind, self.worker, site, signal.SIGKILL)
        return _End(site, signal.SIGKILL)


@dataclass(frozen=True, repr=False)
class Terminate(TimedFault, kind="process.terminate"):
    """The service is asked to end, by SIGTERM or SIGINT. It should answer what it has accepted, and exit with status 0.

    For example::

        async with lab.inject(process.terminate(at=postgres.sent("COMMIT"))):
            await lab.deliver()

    The fault is in force when the service's listening socket is closed. If the service still listens five seconds
    later, that is recorded as evidence, for the checks to judge. Healing starts it again, with the same settings.

    Args:
        worker: which process below the service's first one is asked; see `process.kill`.
        times: how often it is asked. A supervisor may signal the process, and then its whole group. The service must
            still answer accepted requests.
        by: the signal. Ctrl-C sends SIGINT, and so do supervisors with that setting (`STOPSIGNAL`, `KillSignal=`).
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `times` is less than 1, or a worker is to be asked more than once.
    """

    of_the_process: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (LISTENER_CLOSED, SIGNAL_IGNORED, PROCESS_ENDED, WORKERS_LEFT)
    worker: int | Literal["all"] | None = field(default=None, kw_only=True)
    times: int = field(default=1, kw_only=True)
    by: Literal["SIGTERM", "SIGINT"] = field(default="SIGTERM", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "times", self.times, "would never ask it")
        if self.worker is not None and self.times > 1:
            raise UsageError.at(self.kind, "times", self.times, "a worker gets SIGTERM once", mend="leave times out")

    def effect(self) -> str:
        """Which process is asked to end, and how often if that is more than once."""
        times = f", {self.times} times" if self.times > 1 else ""
        return f"end {_whom(self.worker)} ({self.by}{times})"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """It must end while it handles a delivery. It answers what it accepted."""
        return Example(cls(at=ground.sent))

    def injection(self, site: Site) -> Injection:
        """Ask it to end; wait until it accepts no new connections."""
        if self.worker is not None:
            return _EndWorkers(self.kind, self.worker, site, signal.Signals[self.by])
        return _Terminate(site, signal.Signals[self.by], again=self.times - 1)


class _End(Injection):
    def __init__(self, site: Site, signum: signal.Signals) -> None:
        self._site = site
        self._signum = signum
        self._acted = False
        self._struck: KeptProcess | None = None
        self._workers: Sequence[psutil.Process] = ()

    async def act(self) -> None:
        if self._strike():
            await self._gone()

    def _strike(self) -> bool:
        # Kept: a supervisor may have started another one as soon as this one is gone.
        self._struck = self._site.service.process
        self._workers = workers_of(self._struck.pid)
        self._acted = self._site.service.signal(self._signum, ends_it=True)
        return self._acted

    @property
    def _process(self) -> KeptProcess:
        return self._struck or self._site.service.process

    async def _gone(self) -> None:
        try:
            status = await asyncio.to_thread(self._process.wait, GONE_WITHIN_S)
        except TimeoutError:
            raise HarnessError(f"the service still runs {GONE_WITHIN_S:g} s after {self._signum.name}") from None
        self._site.saw(PROCESS_ENDED, f"pid {self._process.pid}: status {status}")
        left = await all_gone(self._workers, LEFT_AFTER_S)
        if left:
            pids = ", ".join(str(each.pid) for each in left)
            self._site.saw(WORKERS_LEFT, f"pid {self._process.pid} is gone, and its workers live on: pid {pids}")

    async def fired(self) -> int:
        return int(self._acted and self._process.poll() is not None)

    async def heal(self) -> None:
        send([each for each in self._workers if lives(each)], signal.SIGKILL)
        self._workers = ()
        if self._acted:  # a supervisor may have started it again
            await self._site.service.start_if_gone()
        self._acted = False


class _Terminate(_End):
    def __init__(self, site: Site, signum: signal.Signals, *, again: int) -> None:
        super().__init__(site, signum)
        self._again = again

    async def act(self) -> None:
        pid, port = self._site.service.process.pid, self._site.service.port
        if not self._strike():
            return
        if await poll(lambda: not listening(port, pids=[pid]), within_s=CLOSED_WITHIN_S):
            self._site.saw(LISTENER_CLOSED, f"pid {pid} listens no longer")
        else:
            # The service failed here, which the checks report. The fault did take effect: the signal was sent.
            self._site.saw(SIGNAL_IGNORED, f"pid {pid} listens {CLOSED_WITHIN_S:g} s after {self._signum.name}")
        for _ in range(self._again):  # that it was asked is recorded
            self._process.send_signal(self._signum)

    async def heal(self) -> None:
        if self._acted:
            await self._end_it()
        await super().heal()

    async def _end_it(self) -> None:
        try:
            await asyncio.to_thread(self._process.wait, GONE_WITHIN_S)
        except TimeoutError:
            # This does not use `service.signal`, which would record another order: the service was asked to drain.
            self._process.send_signal(signal.SIGKILL)
        await self._gone()


class _EndWorkers(Once):
    """Ends processes below the service's first one, which continues, and may start others in their place."""

    def __init__(self, kind: str, which: Which, site: Site, signum: signal.Signals) -> None:
        self._kind = kind
        self._which = which
        self._site = site
        self._signum = signum

    async def act(self) -> None:
        struck = chosen(self._kind, self._which, self._site.service.process.pid)
        send(struck, self._signum)
        left = await all_gone(struck, GONE_WITHIN_S)
        self.struck = len(struck) - len(left)
        for each in struck:
            if each in left:
                self._site.saw(SIGNAL_IGNORED, f"worker pid {each.pid} runs {GONE_WITHIN_S:g} s after the signal")
            else:
                self._site.saw(PROCESS_ENDED, f"worker pid {each.pid}, by {self._signum.name}")


def _whom(which: Which) -> str:
    if which is None:
        return "the service"
    return "all workers of the service" if which == "all" else f"worker {which} of the service"
