"""Runs a command behind the relay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from harness.closing import Closing
from harness.processes.keeper import Keeper, KeptProcess, ProcessSpec
from harness.processes.syscalls import SyscallEvent
from harness.relay import RelayServer
from harness.stack import private_folder
from harness.wrap.hops import Catching
from harness.wrap.observed import SeenConnections

FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE: Final = 3
"""How many of the user's signals are passed on; the last one ends the command by force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, where, with which environment. `machines`: numeric addresses of other machines that are relayed."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    machines: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended: its status, negative for a signal's number, and its observed connections."""

    status: int
    saw: SeenConnections

    @property
    def exit_status(self) -> int:
        """The status in a shell's form."""
        return self.status if self.status >= 0 else 128 - self.status


class Wrapper(Closing):
    """Keeper and relay, for one command after the other. Made by `wrapper`."""

    def __init__(self, keeper: Keeper, relay: RelayServer, folder: Path) -> None:
        self.keeper = keeper
        self.relay = relay
        self.folder = folder

    def close(self) -> None:
        """Stop the relay. Idempotent."""
        self.relay.close()

    @asynccontextmanager
    async def caught(self, command: Command) -> AsyncIterator[Catching]:
        """Lay the hops of one run. They end with the block."""
        async with self.relay.control() as control:
            yield Catching(control, command.machines)

    async def run(
        self, command: Command, catching: Catching, *, log: Path, streams: tuple[str, str, str] | None = None
    ) -> Running:
        """Start the command. Its output goes to `streams`, or else to `log`."""
        spec = ProcessSpec(
            name=Path(command.argv[0]).name,
            argv=tuple(command.argv),
            env=command.env,
            cwd=command.cwd,
            log=log,
            streams=streams,
            watched_calls=frozenset({"connect"}),
            rules=(catching.rule(),),
            may_be_stopped=True,
        )
        return Running(self.keeper.spawn(spec), catching)


class Running:
    """A running command."""

    def __init__(self, process: KeptProcess, catching: Catching) -> None:
        self.process = process
        self.signals = 0
        """How many of the user's signals it got."""
        self._catching = catching
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._events: asyncio.Queue[SyscallEvent] = asyncio.Queue()
        self._taken = -1
        process.end_with_session()
        self._leave = process.on_syscall(lambda event: self._soon(lambda: self._events.put_nowait(event)))
        for event in process.syscall_events():
            self._events.put_nowait(event)
        process.on_exit(lambda _status: self._soon(self._ended.set))

    async def wait(self, limit_s: float | None = None) -> int | None:
        """Return the status when it has ended; None if it has not ended by then and is killed."""
        taking = asyncio.create_task(self._take())
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({taking, ended}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()  # an error of the relay's
            in_time = ended.done()
        finally:
            ended.cancel()
            self._leave()
            taking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taking
            await asyncio.to_thread(self.process.stop, signum=signal.SIGKILL)
        for event in self.process.syscall_events(self._taken + 1):
            await self._catching.take(event)
        return self.process.wait(0) if in_time else None

    async def _take(self) -> None:
        while True:
            event = await self._events.get()
            if event.seq <= self._taken:
                continue
            self._taken = event.seq
            if await self._catching.take(event):
                await self._catching.lay_ahead()
                self.process.set_rules([self._catching.rule()])

    def forward(self, signum: int) -> None:
        """Pass on a signal of the user to the command and the children in its group."""
        self.signals += 1
        with contextlib.suppress(ProcessLookupError):  # it has just ended
            os.killpg(self.process.pid, signum if self.signals < PATIENCE else signal.SIGKILL)

    @contextmanager
    def forwarding(self) -> Iterator[None]:
        """Pass the user's signals on while the block lasts. Only for the main thread."""

        def heed(signum: int, frame: FrameType | None) -> None:
            del frame
            self._soon(lambda: self.forward(signum))

        before = {signum: signal.signal(signum, heed) for signum in FORWARDED}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, signal.SIG_DFL if handler is None else handler)

    def _soon(self, act: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has this run
            self._loop.call_soon_threadsafe(act)


@contextmanager
def wrapper() -> Iterator[Wrapper]:
    """Start keeper and relay. Everything that they run ends with the block."""
    with (
        Keeper.start() as keeper,
        private_folder() as folder,
        RelayServer.start(keeper, folder) as relay,
        Wrapper(keeper, relay, folder) as made,
    ):
        yield made


async def run_once(made: Wrapper, command: Command, streams: tuple[str, str, str]) -> Ran:
    """Run the command with these streams, and see what it connects to."""
    async with made.caught(command) as catching:
        await catching.lay()
        running = await made.run(command, catching, log=made.folder / "command.log", streams=streams)
        with running.forwarding():
            status = await running.wait()
        return Ran(running.process.wait(0) if status is None else status, await catching.saw())
