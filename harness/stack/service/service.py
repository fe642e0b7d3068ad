"""The service under test, as a separate process that can be stopped and started again."""

from __future__ import annotations

import asyncio
import functools
import itertools
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.polling import poll
from harness.processes.clock import set_clock
from harness.processes.keeper import Keeper, KeptProcess, LogFile, ProcessSpec
from harness.processes.syscalls import Rule, SyscallEvent, WatchedCall
from harness.stack.loops import call_in
from harness.stack.service.lost_output import LostOutput
from harness.stack.service.start import ServiceSpec, Starting
from harness.stack.tcp.sockets import listening

NO_SETTINGS: Mapping[str, str] = {}
MUST_END = "a start that must end"
"""`EndOfService.asked_by` of a service that came up although it had to end."""
SECCOMP = "seccomp"
STOP, END = "stop", "end"
"""`EndOfService.asked_by` besides signals: the harness stops the service, or the run is over."""
SAID_CHARACTERS = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfStart:
    """The result of a start that had to end. `status`: None if the harness had to end it."""

    pid: int
    status: int | None
    took_ms: float
    listened: bool
    said: str


@dataclass(frozen=True, slots=True)
class EndOfService:
    """The process `pid` has ended. `asked_by`: the signal or cause; empty if it ended by itself.

    `after_ms`: the time since the first signal that had to end it, if there was one.
    """

    pid: int
    status: int
    asked_by: str
    after_ms: float | None = None


@dataclass(slots=True, eq=False)
class Copy:
    """Another process of the service, beside the first. `serves`: it gets requests. `port`: 0 until it listens."""

    process: KeptProcess
    port: int = 0
    serves: bool = True


class ServiceProcess:
    """One service. Used from one event loop; `ended` is called in it when the process is gone."""

    connects_seen_by: str = SECCOMP
    """The part that reports its connects. Evidence of connects names this part."""

    def __init__(self, keeper: Keeper, spec: ServiceSpec, ended: Callable[[EndOfService], None]) -> None:
        self._keeper = keeper
        self._spec = spec
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._process: KeptProcess | None = None
        self._asked: dict[int, str] = {}
        self._signalled_ns: dict[int, int] = {}
        self._rules: tuple[Rule, ...] = spec.rules
        self._watched: frozenset[WatchedCall] = frozenset({"connect"})
        self._earlier: list[KeptProcess] = []
        self._copies: list[Copy] = []
        self._turn = 0
        self.output: LostOutput | None = None
        """The file to which its next starts write their output; None: its log."""
        self.output_was_lost = False
        """Whether one of its starts could not write its output, so that its log is incomplete."""
        self.clock_ahead_s = 0
        """How far its wall clock is ahead of the machine's."""
        self.dates: list[float] = []
        """How far ahead of the machine's clock its answers' dates were, while its own clock is changed."""
        self._excused: list[tuple[int, int]] = []
        self._begins: list[int] = []
        self.alone = True
        """Whether only one process at a time ever wrote into its log."""
        self._overrides: Mapping[str, str] = {}
        self._starting = asyncio.Lock()
        self.port = 0
        self.settings: Mapping[str, str] = NO_SETTINGS
        """Environment variables of this and later starts, in addition to the target's, or instead."""
        self.last_end: EndOfService | None = None
        """How the last process that has ended did so."""

    @property
    def process(self) -> KeptProcess:
        """The current, or last, process. Raises HarnessError before the first start."""
        if self._process is None:
            raise HarnessError("the service was not started yet")
        return self._process

    @property
    def log(self) -> LogFile:
        """The output of all starts of this service."""
        return LogFile(self._spec.log)

    def judged_log(self) -> str:
        """Its output, without the output of starts that had to end, which is judged separately."""
        return "".join(self.judged_logs())

    def judged_logs(self) -> Sequence[str]:
        """The same, divided by process."""
        marks = [0, *(mark for span in self._excused for mark in span)]
        spans = zip(marks[::2], [*marks[1::2], self.log.size()], strict=True)
        cuts = [[begin, *(each for each in self._begins if begin < each < end), end] for begin, end in spans]
        return [self.log.read(begin, end) for cut in cuts for begin, end in itertools.pairwise(cut)]

    @property
    def running(self) -> bool:
        """Whether its process exists."""
        return self._process is not None and self._process.poll() is None

    @property
    def alive(self) -> bool:
        """Whether it runs and has answered, since its last start, that it is alive."""
        return self.running and not self._starting.locked()

    def pids(self) -> frozenset[int]:
        """The process and its copies. Callers also look at their descendants. Empty when they are gone."""
        return frozenset(process.pid for process in self._processes)

    @property
    def _processes(self) -> Sequence[KeptProcess]:
        """The running ones: the first one and its copies."""
        first = [] if self._process is None else [self._process]
        return [each for each in (*first, *(copy.process for copy in self._copies)) if each.poll() is None]

    async def start(self, overrides: Mapping[str, str] | None = None) -> float:
        """Start it, with some settings changed if asked; return the milliseconds until it was alive.

        Raises ServiceStartError.
        """
        async with self._starting:
            return await self._start(overrides)

    async def start_if_gone(self) -> float | None:
        """Start it unless it runs, or is being started; return the milliseconds, or None if it ran.

        Raises ServiceStartError.
        """
        async with self._starting:
            return None if self.running else await self._start(None)

    async def _start(self, overrides: Mapping[str, str] | None) -> float:
        if overrides is not None:
            self._overrides = overrides
        began_ns = time.monotonic_ns()
        mark = self._begin()
        starting = self._starting_of(self.process, self._spec, mark)
        self.port = await starting.until_listening()
        await starting.until_alive(self.port)
        await self._keep_clock()
        return (time.monotonic_ns() - began_ns) / 1e6

    def _begin(self) -> int:
        """Start the process; return where its output begins in the log."""
        mark = self.log.size()
        self._begins.append(mark)
        if self._process is not None:
            self._earlier.append(self._process)
        self._process = self._spawned(self._spec)
        self._apply_rules()
        return mark

    def _spawned(self, spec: ServiceSpec) -> KeptProcess:
        self.output_was_lost = self.output_was_lost or self.output is not None
        with nullcontext(spec.log) if self.output is None else self.output.opened(spec.log) as log:
            process = (spec.preloaded or self._keeper).spawn(self._process_spec(spec, log))
        process.on_exit(self._exit_callback(process))
        return process

    def _starting_of(self, process: KeptProcess, spec: ServiceSpec, mark: int) -> Starting:
        return Starting(process=process, spec=spec, mark=mark, mute=self.output is not None)

    def another(self) -> ServiceSpec:
        """Return how to start another process beside the first one."""
        return self._spec if self._spec.elsewhere is None else self._spec.elsewhere()

    async def start_copy(self) -> Copy:
        """Start another process beside the first one, with the same settings. Raises ServiceStartError."""
        async with self._starting:
            mark, spec = self.log.size(), self.another()
            self.alone = False
            copy = Copy(self._spawned(spec))
            self._copies.append(copy)
            self._apply_rules()
            starting = self._starting_of(copy.process, spec, mark)
            copy.port = await starting.until_listening()
            await starting.until_alive(copy.port)
            await self._keep_clock()
            return copy

    async def _keep_clock(self) -> None:
        """Give a new process the same clock as the others."""
        if self.clock_ahead_s:
            await asyncio.to_thread(self.set_clock, self.clock_ahead_s)

    def set_clock(self, ahead_s: int) -> None:
        """Set the wall clock of all its processes this far ahead of the machine's. Raises NoClockError."""
        self.clock_ahead_s = ahead_s
        for pid in self.pids():
            set_clock(pid, ahead_s)

    async def end_copy(self, copy: Copy) -> None:
        """Send it no more requests and end it as its operator would: SIGTERM, then SIGKILL after its grace."""
        copy.serves = False
        self._tell_to_stop(copy.process, signal.SIGTERM, signal.SIGTERM.name)
        await asyncio.to_thread(copy.process.see_stopped, self._spec.stop_within_s)
        if copy in self._copies:
            self._copies.remove(copy)
            self._earlier.append(copy.process)

    def take_over(self, copy: Copy) -> Copy:
        """Make a copy the first process; return the earlier first one, as a copy that gets no more requests."""
        old = Copy(self.process, self.port, serves=False)
        self._copies[self._copies.index(copy)] = old
        self._process, self.port = copy.process, copy.port
        return old

    def next_port(self) -> int:
        """The port for the next request: the processes that serve take turns."""
        ports = [self.port, *(copy.port for copy in self._copies if copy.serves and copy.port)]
        self._turn += 1
        return ports[self._turn % len(ports)]

    async def start_to_end(self) -> EndOfStart:
        """Start it when it must end by itself. Return when it has ended, or listens, or the time for a start is over.

        Processes that have not ended by then are killed.
        """
        async with self._starting:
            began_ns = time.monotonic_ns()
            mark = self._begin()
            process = self.process
            self._asked[process.pid] = MUST_END
            status, listened = None, False

            def over() -> bool:
                nonlocal status, listened
                status = process.poll()  # first: when it is gone, its output is whole
                listened = listened or self._listens(mark)
                return status is not None or listened

            await poll(over, within_s=self._spec.start_within_s)
            took_ms = (time.monotonic_ns() - began_ns) / 1e6
            if status is None:
                await asyncio.to_thread(process.stop, signum=signal.SIGKILL)
            self._excused.append((mark, self.log.size()))
            said = self.log.read(mark)[-SAID_CHARACTERS:]
            return EndOfStart(pid=process.pid, status=status, took_ms=took_ms, listened=listened, said=said)

    def _listens(self, mark: int) -> bool:
        """Whether the latest process accepts or has accepted connections, according to its output or the kernel."""
        if self._spec.listening is not None:
            return self._spec.listening.search(self.log.read(mark)) is not None
        return bool(listening(self._spec.port, pids=self.pids()))

    def _process_spec(self, spec: ServiceSpec, log: Path) -> ProcessSpec:
        return ProcessSpec(
            name="service",
            argv=spec.argv,
            env={**spec.environment, **self.settings, **self._overrides},
            cwd=spec.cwd,
            log=log,
            watched_calls=self._watched if spec.watch_connects else frozenset(),
            rules=self._rules if spec.watch_connects else (),
            may_be_stopped=True,  # the service is under test: the checks judge what its being stopped means
        )

    def _exit_callback(self, process: KeptProcess) -> Callable[[int], None]:
        def in_the_loop(status: int) -> None:
            asked_by = self._asked.get(process.pid, "")
            signalled_ns = self._signalled_ns.get(process.pid)
            after_ms = None if signalled_ns is None else (time.monotonic_ns() - signalled_ns) / 1e6
            self.last_end = EndOfService(process.pid, status, asked_by, after_ms)
            self._ended(self.last_end)

        return functools.partial(call_in, self._loop, in_the_loop)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment with which it is started, unless overridden."""
        return self._spec.environment

    async def watch(self, calls: Collection[WatchedCall]) -> None:
        """Let rules answer these calls, too: the service is restarted, and watched for the rest of the run.

        Do nothing if they are watched already. Raises ServiceStartError.
        """
        if self.running and self.process.spec.watched_calls.issuperset(calls):
            return
        self._watched |= frozenset(calls)
        if self.running:
            await self.stop()
            await self.start()

    def add_rule(self, rule: Rule) -> None:
        """Answer a system call of the service, also after restarts; return when the rule is in force."""
        self._rules = (*self._rules, rule)
        self._apply_rules()

    def remove_rule(self, rule: Rule) -> None:
        """Lift a rule. Do nothing if it does not exist."""
        self._rules = tuple(known for known in self._rules if known.id != rule.id)
        self._apply_rules()

    def _apply_rules(self) -> None:
        # Without watched calls there are no rules: faults that need rules are not injected.
        if self._spec.watch_connects:
            for process in self._processes:
                process.set_rules(self._rules)

    def syscall_events(self) -> Sequence[SyscallEvent]:
        """Every watched call of every start of this service and of its copies, in order."""
        current = [] if self._process is None else [self._process]
        processes = (*self._earlier, *(copy.process for copy in self._copies), *current)
        events = [event for process in processes for event in process.syscall_events()]
        return sorted(events, key=lambda event: event.t_ns)

    def refusals(self, port: int) -> int | None:
        """How many connects to a port were refused; None: see its watched calls."""
        del port
        return None

    def signal(self, signum: int, *, ends_it: bool) -> bool:
        """Send a signal; False if the process is gone already.

        `ends_it`: the process is expected to go, so its end is not a failure.
        """
        if not self.running:
            return False
        now_ns = time.monotonic_ns()
        sent = self.process.send_signal(signum)
        if sent and ends_it:  # its end is told by this event loop, and so later
            self._asked[self.process.pid] = signal.Signals(signum).name
            self._signalled_ns.setdefault(self.process.pid, now_ns)
        return sent

    def _tell_to_stop(self, process: KeptProcess, signum: int, asked_by: str) -> None:
        """Send a signal to end it. If it is gone already, it has ended by itself."""
        now_ns = time.monotonic_ns()
        if process.tell_to_stop(signum):
            self._asked.setdefault(process.pid, asked_by)
            self._signalled_ns.setdefault(process.pid, now_ns)

    async def wait(self, timeout_s: float) -> int:
        """Wait until the process is gone; return its status. Raises TimeoutError."""
        return await asyncio.to_thread(self.process.wait, timeout_s)

    async def end(self) -> None:
        """End it at once at the end of a run; its database is removed, too. Safe at any time."""
        ending = self._processes
        for process in ending:
            self._tell_to_stop(process, signal.SIGKILL, END)
        for process in ending:
            await asyncio.to_thread(process.see_stopped)

    async def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL after its grace. Safe at any time."""
        if self._process is None:
            return
        self._tell_to_stop(self._process, signal.SIGTERM, STOP)
        await asyncio.to_thread(self._process.see_stopped, self._spec.stop_within_s)
