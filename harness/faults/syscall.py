"""Faults of the service's own system calls: the kernel answers them with an error, by seccomp user notification."""

from __future__ import annotations

import asyncio
import errno as errno_numbers
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Connections, Fault, Injection, Need
from harness.faults.link import cut
from harness.faults.site import Site
from harness.processes.syscalls import ConnectRule, SyscallEvent
from harness.vocabulary import Link
from harness.vocabulary.refusals import at_least_one

Errno = Literal[
    "EACCES", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "EINTR", "EINVAL", "EIO",
    "EMFILE", "ENFILE", "ENETUNREACH", "ENOSPC", "EPERM", "EPIPE", "ETIMEDOUT",
]  # fmt: skip
"""An error of connect(2), such as `syscall.connect(redis, errno="ECONNREFUSED")` gives.

It is written by its name (errno(3)), because its number differs between machines.
"""
CALL_ANSWERED = EvidenceKind("call_answered", "seccomp", "the service called connect(), and had this answer")


@dataclass(frozen=True, repr=False)
class Connect(Fault, kind="syscall.connect"):
    """The service's connect() to this link fails with `errno`, `times` times or until healed.

    For example::

        async with lab.inject(link.cut(redis), syscall.connect(redis, errno="ETIMEDOUT")):
            await lab.deliver(5)

    Open connections are untouched, which is why the example cuts them. The error comes at once, where the real one may
    take seconds: this shows what the service makes of the error. To show how it waits, use `link.swallow`. The harness
    answers the call in the kernel's place (seccomp_unotify(2)); what each error means is in connect(2).

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
        """Open connections would be used on, so they are cut: the service has to connect, and cannot."""
        fault = cls(ground.link, errno="EINVAL")
        return Example(fault, beside=(cut(ground.link),), deliveries=SOME, expect=ground.without_link)

    @property
    def takes_away(self) -> frozenset[Connections]:
        """Nothing if only some connects fail."""
        return super().takes_away if self.times is None else frozenset()

    def effect(self) -> str:
        """What connect() returns, and how many times if that is limited."""
        times = f", {self.times} times" if self.times is not None else ""
        return f"answer connect() to {self.link} with {self.errno}{times}"

    def injection(self, site: Site) -> Injection:
        """Answer from now on."""
        return _Connect(self, site)


class _Connect(Injection):
    def __init__(self, fault: Connect, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._rule = ConnectRule(
            id=f"{fault}-{id(self)}",
            host=None,
            port=site.laid(fault.link).port,
            errno=getattr(errno_numbers, fault.errno),
            times=fault.times,
        )
        self._told = 0

    async def act(self) -> None:
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
            first = answered[0]
            self._site.saw(
                CALL_ANSWERED,
                f"{len(answered)} connects of the service to {self._fault.link} ({first.host}:{first.port})"
                f" answered {self._fault.errno}",
            )


connect = Connect
