"""A block in which faults are in force, and its report of their effects."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol

from harness.chaos.connects import Connects
from harness.engine.injector import InForce, Injector
from harness.engine.stops import MachineLacksError
from harness.errors import HarnessError, InconclusiveError, UsageError
from harness.faults.clients.hang_up import HangUp
from harness.faults.fault import CLOCK, Fault
from harness.faults.links.injections import CONNECTS_REFUSED
from harness.history import History
from harness.history.events import EvidenceSeen, FaultHealed

OF_THE_SERVICE = "process"
"""The layer whose faults strike a process that the harness has started."""
NEEDS_OF_THE_SERVICE = frozenset({"seccomp", CLOCK})
"""What only such a process has. Faults of other layers that need it strike it, too."""
ROUND_IT = "does the application connect to the URL that `chaos` gives, and does it get as far as this?"
UNSEEN = (
    "of connects that are refused only those of Python's own sockets are seen, unless a raw socket may be opened (root"
    " may): with a driver in C, such as psycopg or uvloop's, have a connection open before, or break a statement with"
    " `wire`. If it is Python's: "
)


class Thread(Protocol):
    """Runs coroutines of the harness: see `HoldingThread`."""

    def call(self, work: Any) -> Any:
        """Run one, and wait."""
        ...

    async def awaited(self, work: Any) -> Any:
        """Run one while the caller's own event loop continues."""
        ...


class Injected:
    """The faults of one block.

    For example::

        async with chaos.inject(wire.cut(postgres.answered("COMMIT"))) as fault:
            await client.post("/orders", json=ORDER)
        assert fault.fired == 1
    """

    def __init__(
        self, thread: Thread, known: Sequence[InForce], connects: Connects, history: Callable[[], History]
    ) -> None:
        self._thread = thread
        self._known = known
        self._connects = connects
        self._history = history
        self._last: int | None = None

    @property
    def fired(self) -> int:
        """How often they have taken effect so far; after the block, how often while it lasted."""
        if self._last is not None:
            return self._last
        fired: int = self._thread.call(self.count())
        return fired

    @property
    def evidence(self) -> Sequence[str]:
        """The proof that they took effect, a line each. Some evidence exists only after the block."""
        numbers = {known.number for known in self._known}
        seen = self._history().of(EvidenceSeen)
        return [f"{each.what} ({each.source}): {each.detail}" for each in seen if each.number in numbers]

    async def count(self) -> int:
        """Ask each fault, in the harness's own event loop."""
        return sum([await known.injection.fired() for known in self._known])

    async def end(self, injector: Injector) -> None:
        """Count once more, then heal them, in the harness's own event loop."""
        try:
            self._last = await self.count()
        finally:
            await injector.heal_block(self._known)

    def mend(self) -> str:
        """What the test's author should do if a fault left no evidence."""
        refuses = any(
            isinstance(known.fault, Fault) and CONNECTS_REFUSED in known.fault.evidence for known in self._known
        )
        return f"{UNSEEN if refuses and self._connects.of_python_only else ''}{ROUND_IT}"

    def unproven(self) -> str:
        """The faults that left no evidence, and what was seen instead; empty if each left some."""
        history = self._history()
        proven = {seen.number for seen in history.of(EvidenceSeen)}
        instead = {healed.number: healed.instead for healed in history.of(FaultHealed)}
        told = []
        for known in self._known:
            fault = known.fault
            if known.number not in proven and isinstance(fault, Fault) and fault.leaves_evidence:
                seen = instead.get(known.number)
                told.append(f"{fault!r} left no evidence{f'; seen instead: {seen}' if seen else ''}")
        return "; ".join(told)


class Injecting:
    """Faults that a block keeps in force: `with` in a test that is not async, `async with` in one that is."""

    def __init__(
        self,
        thread: Thread,
        injector: Injector,
        faults: Sequence[Fault],
        connects: Connects,
        history: Callable[[], History],
    ) -> None:
        self._thread = thread
        self._connects = connects
        self._injector = injector
        self._faults = faults
        self._history = history
        self._injected: Injected | None = None

    def __enter__(self) -> Injected:
        __tracebackhide__ = True
        with _told():
            return self._began(self._thread.call(self._injector.inject(self._faults)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        injected = self._ended()
        self._thread.call(injected.end(self._injector))
        _check(injected, error)

    async def __aenter__(self) -> Injected:
        __tracebackhide__ = True
        with _told():
            return self._began(await self._thread.awaited(self._injector.inject(self._faults)))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        injected = self._ended()
        await self._thread.awaited(injected.end(self._injector))
        _check(injected, error)

    def _began(self, known: Sequence[InForce]) -> Injected:
        self._injected = Injected(self._thread, known, self._connects, self._history)
        return self._injected

    def _ended(self) -> Injected:
        if self._injected is None:
            raise HarnessError("the block has not begun")
        injected, self._injected = self._injected, None
        return injected


def check_fits(fault: Fault) -> None:
    """Refuse a fault of a part that a test does not have. Raises UsageError."""
    of_service = fault.kind.startswith(f"{OF_THE_SERVICE}.") or fault.needs & NEEDS_OF_THE_SERVICE
    if of_service or isinstance(fault, HangUp):
        problem = "strikes a service, or clients, that the harness has started, and a test brings its own"
        mend = "take a fault of the layers link, wire or server, or write a scenario"
        raise UsageError.at("chaos.inject", "fault", repr(fault), problem, mend=mend)


@contextlib.contextmanager
def _told() -> Any:
    try:
        yield
    except MachineLacksError as problem:
        raise InconclusiveError(str(problem), hint="see `harness doctor`") from problem


def _check(injected: Injected, error: BaseException | None) -> None:
    """Raise InconclusiveError for a fault without evidence: an assertion error would prove nothing then."""
    __tracebackhide__ = True
    if error is not None and not isinstance(error, Exception):
        return
    unproven = injected.unproven()
    if unproven:
        raise InconclusiveError(unproven, hint=injected.mend()) from error
