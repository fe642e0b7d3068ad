"""Faults of the service's own system calls: the kernel answers them with an error, by seccomp user notification.

Connects are watched from the service's start. Other calls are not, because watching them costs time. So a fault of such
a call restarts the service, and watches it for the rest of the run. Other runs do not become slower.
"""

from __future__ import annotations

import asyncio
import errno as errno_numbers
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Connections, Fault, Injection, Need
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.processes.syscalls import (
    RECEIVES,
    SENDS,
    ConnectRule,
    FailRule,
    OpeningCall,
    OpeningRule,
    StreamCall,
    StreamRule,
    SyscallEvent,
    WatchedCall,
)
from harness.vocabulary import ACKNOWLEDGED, Link
from harness.vocabulary.refusals import at_least_one

Errno = Literal[
    "EACCES", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EINTR", "EINVAL", "EIO",
    "EMFILE", "ENFILE", "ENETUNREACH", "ENOSPC", "EPERM", "EPIPE", "ETIMEDOUT",
]  # fmt: skip
"""An error of connect(2), send(2) or recv(2), such as `syscall.connect(redis, errno="ECONNREFUSED")` gives.

It is written by its name (errno(3)), because its number differs between machines.
"""
Opening: TypeAlias = Literal["socket", "accept", "open"]
_OPENING: Mapping[Opening, tuple[OpeningCall, ...]] = {
    "socket": ("socket",),
    "accept": ("accept", "accept4"),
    "open": ("open", "openat"),
}
CALL_ANSWERED = EvidenceKind("call_answered", "seccomp", "the service made such a call, and had this answer")


@dataclass(frozen=True, repr=False)
class Connect(Fault, kind="syscall.connect"):
    """The service's connect() to this link fails with `errno`, `times` times or until healed.

    For example::

        async with lab.inject(link.cut(redis), syscall.connect(redis, errno="ETIMEDOUT")):
            await lab.deliver(5)

    Open connections are untouched, so the example cuts them. The error comes at once, while a real one may take
    seconds: this shows how the service handles the error. To show how it waits, use `link.swallow`. The harness answers
    the call in the kernel's place (seccomp_unotify(2)). connect(2) explains each error.

    Args:
        link: the link whose connects fail.
        errno: the error, by its name (see `Errno`).
        times: how many connects fail, 1 or more; None: all, until healed.

    Raises:
        UsageError: `times` is less than 1.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CALL_ANSWERED,)
    takes: ClassVar[frozenset[Connections]] = frozenset({"new"})
    link: Link
    errno: Errno = field(kw_only=True)
    times: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.times is not None:
            at_least_one(self.kind, "times", self.times, "would never answer")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service would keep using open connections, so they are cut: it has to connect, and cannot."""
        fault = cls(ground.link, errno="EINVAL")
        return Example(fault, beside=(cut(ground.link),), deliveries=SOME, expect=ground.without_link)

    @property
    def takes_away(self) -> frozenset[Connections]:
        """None if only some connects fail."""
        return super().takes_away if self.times is None else frozenset()

    def effect(self) -> str:
        """What connect() returns, and how many times if that is limited."""
        times = f", {self.times} times" if self.times is not None else ""
        return f"answer connect() to {self.link} with {self.errno}{times}"

    def injection(self, site: Site) -> Injection:
        """Answer from now on."""
        return _Connect(self, site)


@dataclass(frozen=True, repr=False)
class StreamFault(TimedFault):
    """The common base of `Send` and `Receive`."""

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CALL_ANSWERED,)
    of_the_process: ClassVar[bool] = True
    calls: ClassVar[tuple[StreamCall, ...]]
    verb: ClassVar[str]
    link: Link
    errno: Errno = field(kw_only=True)
    times: int | None = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.times is not None:
            at_least_one(self.kind, "times", self.times, "would never answer")
        elif self.errno == "EINTR":
            mend = "write how many times"
            raise UsageError.at(
                self.kind, "times", None, "a program would repeat the call at once, for ever", mend=mend
            )

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The connection that gets the error is lost: a service may retry, or refuse."""
        fault = cls(ground.link, errno="ECONNRESET")
        return Example(fault, deliveries=SOME, expect=ACKNOWLEDGED | ground.without_link)

    def effect(self) -> str:
        """What the calls return, and how many times."""
        times = "each time" if self.times is None else "once" if self.times == 1 else f"{self.times} times"
        return f"answer {self.errno} {times} when the service {self.verb} {self.link}"

    def injection(self, site: Site) -> Injection:
        """Answer from now on."""
        return _Stream(self, site)


@dataclass(frozen=True, repr=False)
class Send(StreamFault, kind="syscall.send"):
    """What the service sends on a link fails with `errno`, `times` times or until healed. No byte is sent.

    For example::

        async with lab.inject(syscall.send(postgres, errno="EPIPE", at=postgres.answered("INSERT"))):
            await lab.deliver()

    In the example the COMMIT cannot be sent, because the service sends nothing else while the answer to the INSERT is
    held. The connection itself works, and the server keeps its side open until the service closes it. To lose a
    connection, use `link.reset`. send(2) explains each error. EINTR is harmless: the service should make the call again
    (signal(7)).

    The fault strikes sendto(2), write(2) and writev(2) on the link's connections, which the kernel knows. It does not
    strike sendmsg(2) or io_uring. It restarts the service.

    Args:
        link: the link on which nothing can be sent.
        errno: the error, by its name (see `Errno`).
        times: how many calls fail, 1 or more; None: all, until healed, but not for EINTR.
        at: when it strikes. At a message, such as `postgres.answered("INSERT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: `times` is less than 1, or None for EINTR.
    """

    calls: ClassVar[tuple[StreamCall, ...]] = SENDS
    verb: ClassVar[str] = "sends to"


@dataclass(frozen=True, repr=False)
class Receive(StreamFault, kind="syscall.receive"):
    """What the service receives on a link fails with `errno`, `times` times or until healed.

    For example::

        async with lab.inject(syscall.receive(postgres, errno="ECONNRESET", at=postgres.sent("COMMIT"))):
            await lab.deliver()

    In the example the service cannot receive the answer to the COMMIT: PostgreSQL has committed. A service that waits
    for its connections makes no such call before bytes have arrived. recv(2) explains each error.

    The fault strikes recvfrom(2), read(2) and readv(2) on the link's connections, which the kernel knows. It does not
    strike recvmsg(2) or io_uring. It restarts the service.

    Args:
        link: the link on which nothing can be received.
        errno: the error, by its name (see `Errno`).
        times: as of `syscall.send`.
        at: as of `syscall.send`.

    Raises:
        UsageError: `times` is less than 1, or None for EINTR.
    """

    calls: ClassVar[tuple[StreamCall, ...]] = RECEIVES
    verb: ClassVar[str] = "receives from"


@dataclass(frozen=True, repr=False)
class NoDescriptor(TimedFault, kind="syscall.no_descriptor"):
    """The service gets no new descriptor of one kind: it has too many (EMFILE), or the whole system has (ENFILE).

    For example::

        async with lab.inject(syscall.no_descriptor(call="socket", errno="ENFILE")):
            await lab.deliver(5, expect=REFUSED)

    Other kinds are untouched, and open descriptors stay open. For a process's own limit, which affects all kinds, use
    `process.limit`. The fault restarts the service.

    Args:
        call: "socket": it makes no TCP socket, for any link. "accept": it accepts no connection, and its clients wait.
            "open": it opens no file.
        errno: "EMFILE" or "ENFILE".
        path: for "open", only files whose path, as the service writes it, begins with this.
        times: how many calls fail, 1 or more; None: all, until healed.
        at: as of `syscall.send`.

    Raises:
        UsageError: `times` is less than 1, or `path` is given for another call.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (CALL_ANSWERED,)
    of_the_process: ClassVar[bool] = True
    call: Opening = field(kw_only=True)
    errno: Literal["EMFILE", "ENFILE"] = field(default="EMFILE", kw_only=True)
    path: str = field(default="", kw_only=True)
    times: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.times is not None:
            at_least_one(self.kind, "times", self.times, "would never answer")
        if self.path and self.call != "open":
            raise UsageError.at(self.kind, "path", self.path, f"{self.call} names no file", mend='give call="open"')

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The fault has restarted the service, which has no connection yet: it has to connect, and cannot."""
        fault = cls(call="socket", errno="ENFILE")
        return Example(fault, deliveries=SOME, expect=ACKNOWLEDGED | ground.without_link)

    def effect(self) -> str:
        """Which call fails, and how."""
        of = f" of {self.path}" if self.path else ""
        times = "" if self.times is None else f", {self.times} times"
        return f"answer the service's {self.call}(){of} with {self.errno}{times}"

    def injection(self, site: Site) -> Injection:
        """Answer from now on."""
        return _NoDescriptor(self, site)


class _Answering(Injection):
    """Lets a rule answer the service's calls. `calls`: the calls that the keeper must watch for this."""

    def __init__(self, site: Site, rule: FailRule, *, calls: Collection[WatchedCall]) -> None:
        self._site = site
        self._rule = rule
        self._calls = calls
        self._told = 0

    async def prepare(self) -> None:
        """Make the keeper watch the calls."""
        await self._site.asking.hush()  # it may have to be started again
        try:
            await self._site.service.watch(self._calls)
        finally:
            self._site.asking.allow()

    async def act(self) -> None:
        await self.prepare()
        await asyncio.to_thread(self._site.service.add_rule, self._rule)

    def _answered(self) -> list[SyscallEvent]:
        calls = self._site.service.syscall_events()
        return [call for call in calls if call.rule_id == self._rule.id and call.answer is not None]

    async def fired(self) -> int:
        return len(self._answered())

    async def heal(self) -> None:
        await asyncio.to_thread(self._site.service.remove_rule, self._rule)
        answered = self._answered()[self._told :]
        self._told += len(answered)
        if answered:
            self._site.saw(CALL_ANSWERED, self.detail(answered))

    def detail(self, answered: Sequence[SyscallEvent]) -> str:
        """The evidence's text about these calls, at least one."""
        raise NotImplementedError


class _Connect(_Answering):
    def __init__(self, fault: Connect, site: Site) -> None:
        self._fault = fault
        port, number = site.laid(fault.link).port, getattr(errno_numbers, fault.errno)
        rule = ConnectRule(id=f"{fault}-{id(self)}", host=None, port=port, errno=number, times=fault.times)
        super().__init__(site, rule, calls={"connect"})

    async def prepare(self) -> None:
        """Do nothing: connects are always watched."""

    def detail(self, answered: Sequence[SyscallEvent]) -> str:
        first = answered[0]
        connects = f"{len(answered)} connects of the service to {self._fault.link} ({first.host}:{first.port})"
        return f"{connects} answered {self._fault.errno}"


class _Stream(_Answering):
    def __init__(self, fault: StreamFault, site: Site) -> None:
        self._fault = fault
        port, number = site.laid(fault.link).port, getattr(errno_numbers, fault.errno)
        rule = StreamRule(id=f"{fault}-{id(self)}", calls=fault.calls, port=port, errno=number, times=fault.times)
        super().__init__(site, rule, calls=fault.calls)

    def detail(self, answered: Sequence[SyscallEvent]) -> str:
        first = answered[0]
        where = f"on a connection to {self._fault.link} ({first.host}:{first.port})"
        return f"{len(answered)} calls of the service, first {first.call}() {where}, answered {self._fault.errno}"


class _NoDescriptor(_Answering):
    def __init__(self, fault: NoDescriptor, site: Site) -> None:
        self._fault = fault
        calls, number = _OPENING[fault.call], getattr(errno_numbers, fault.errno)
        rule = OpeningRule(id=f"{fault}-{id(self)}", calls=calls, errno=number, path=fault.path, times=fault.times)
        super().__init__(site, rule, calls=calls)

    def detail(self, answered: Sequence[SyscallEvent]) -> str:
        first = answered[0]
        of = f" of {first.path}" if first.path else ""
        return f"{len(answered)} calls of the service, first {first.call}(){of}, answered {self._fault.errno}"


connect, send, receive, no_descriptor = Connect, Send, Receive, NoDescriptor
