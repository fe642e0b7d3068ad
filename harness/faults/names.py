"""Faults of names: wrong answers of the harness's name server to the service's look-ups of a link's name.

A link has a name if its target says so (`[links.NAME] name`), and the service looks it up if its settings have
`{LINK.named_url}`. Open connections continue. Cut them, so that the service has to connect again, by the name.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
from dataclasses import dataclass, field
from typing import ClassVar, Final

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection, Need
from harness.faults.link import cut
from harness.faults.site import Site
from harness.processes.syscalls import ConnectRule, LeadRule, Rule, SyscallEvent
from harness.stack.resolver import Resolver, Said
from harness.vocabulary import ACKNOWLEDGED, Link

NAME_LOOKED_UP = EvidenceKind("name_looked_up", "name server", "the service asked for the name and got this answer")
DEAD_ADDRESS_DIALLED = EvidenceKind(
    "dead_address_dialled", "seccomp", "the service connected to an address of the name where nothing listens"
)
HOME: Final = "127.0.0.1"
"""The address that the name has while nothing is broken."""
OTHER: Final = "127.0.0.2"
"""Another address of this machine that leads to the same server. No resolver prefers one of the two addresses."""
DEAD: Final = "127.0.0.3"
_numbers = itertools.count(1)


@dataclass(frozen=True, repr=False)
class NameFault(Fault):
    """A fault of one link's name."""

    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (NAME_LOOKED_UP,)
    right: ClassVar[bool] = False
    """Whether the answer still leads to the link. The fault takes no connections away: the server has not moved."""
    link: Link

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The open connections are cut, so the service has to look the name up."""
        return _example(cls(ground.link), ground)

    def said(self) -> Said:
        """The answer to questions for the name."""
        raise NotImplementedError

    def rules(self, port: int) -> tuple[Rule, ...]:  # noqa: ARG002  # for those that have addresses
        """What happens to connects to the addresses. `port`: the link's."""
        return ()

    def injection(self, site: Site) -> Injection:
        """Give this answer until healed. Raises UsageError for a link without a name."""
        return _Saying(self, site)


@dataclass(frozen=True, repr=False)
class NxDomain(NameFault, kind="names.nxdomain"):
    """The name does not exist: NXDOMAIN (RFC 1035), as after a record was deleted.

    For example::

        await lab.restart("DATABASE_URL={postgres.named_url}")
        await lab.deliver()
        async with lab.inject(names.nxdomain(postgres), link.cut(postgres)):
            await lab.deliver(expect=REFUSED)

    Args:
        link: the link whose name it is. Its target gives it one: `[links.postgres] name = "db.test"`.
    """

    does: ClassVar[str] = "say that the name of {fault.link} does not exist (NXDOMAIN)"

    def said(self) -> Said:
        """NXDOMAIN."""
        return Said("NXDOMAIN")


@dataclass(frozen=True, repr=False)
class ServFail(NameFault, kind="names.servfail"):
    """The name server answers SERVFAIL (RFC 1035), as it does when it cannot reach another name server.

    For example::

        await lab.restart("DATABASE_URL={postgres.named_url}")
        await lab.deliver()
        async with lab.inject(names.servfail(postgres), link.cut(postgres)):
            await lab.deliver(expect=REFUSED)

    A client may ask again; most do.

    Args:
        link: the link whose name it is. Its target gives it one: `[links.postgres] name = "db.test"`.
    """

    does: ClassVar[str] = "answer questions for the name of {fault.link} with SERVFAIL"

    def said(self) -> Said:
        """SERVFAIL."""
        return Said("SERVFAIL")


@dataclass(frozen=True, repr=False)
class NoAnswer(NameFault, kind="names.no_answer"):
    """The name server does not answer for this name. When the fault is healed, it answers the waiting queries.

    For example::

        await lab.restart("DATABASE_URL={postgres.named_url}")
        await lab.deliver()
        async with lab.inject(names.no_answer(postgres), link.cut(postgres)):
            await lab.deliver(expect=REFUSED)

    A resolver waits long: glibc's waits five seconds, twice (resolv.conf(5), `timeout` and `attempts`).
    In many programs the lookup blocks a thread, and there are few threads.

    Args:
        link: the link whose name it is. Its target gives it one: `[links.postgres] name = "db.test"`.
    """

    does: ClassVar[str] = "answer no question for the name of {fault.link}"

    def said(self) -> Said:
        """Nothing."""
        return Said(after_ms=None)


@dataclass(frozen=True, repr=False)
class Slow(NameFault, kind="names.slow"):
    """The name server's answer for this name is right, but comes `ms` milliseconds later.

    For example::

        await lab.restart("DATABASE_URL={postgres.named_url}")
        await lab.deliver()
        async with lab.inject(names.slow(postgres, ms=300), link.cut(postgres)):
            await lab.deliver()

    Args:
        link: the link whose name it is. Its target gives it one: `[links.postgres] name = "db.test"`.
        ms: by how much each answer comes later: 1 to 60,000.

    Raises:
        UsageError: `ms` is outside of its limits.
    """

    does: ClassVar[str] = "answer questions for the name of {fault.link} {fault.ms} ms later"
    right: ClassVar[bool] = True
    ms: int = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.ms <= MOST_MS:
            raise UsageError.at(self.kind, "ms", self.ms, f"not within 1 to {MOST_MS}", mend="write another number")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The answer is late, but right."""
        return _example(cls(ground.link, ms=100), ground)

    def said(self) -> Said:
        """The right answer, later."""
        return Said(addresses=(HOME,), after_ms=self.ms)


@dataclass(frozen=True, repr=False)
class DeadFirst(NameFault, kind="names.dead_first"):
    """The name has two addresses, and nothing listens at the first: a connect there is refused. The second is right.

    For example::

        await lab.restart("DATABASE_URL={postgres.named_url}")
        await lab.deliver()
        async with lab.inject(names.dead_first(postgres), link.cut(postgres)):
            await lab.deliver()

    This happens when one of several servers behind a name has gone. A client should try the next address (RFC 8305).

    Args:
        link: the link whose name it is. Its target gives it one: `[links.postgres] name = "db.test"`.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (DEAD_ADDRESS_DIALLED,)
    does: ClassVar[str] = "put an address before that of {fault.link} at which nothing listens"
    right: ClassVar[bool] = True

    def said(self) -> Said:
        """Two addresses."""
        return Said(addresses=(DEAD, OTHER))

    def rules(self, port: int) -> tuple[Rule, ...]:
        """The second address leads to the link. Nothing listens at the first."""
        return (_lead(OTHER, port), _refuse(DEAD, port))


@dataclass(frozen=True, repr=False)
class Moved(NameFault, kind="names.moved"):
    """The name gets another address, and at the old one connects are refused.

    For example::

        await lab.restart("DATABASE_URL={postgres.named_url}")
        await lab.deliver()
        async with lab.inject(names.moved(postgres), link.cut(postgres)):
            await lab.deliver()

    This happens after a failover behind a name. The example cuts the connections, as the end of the old server would. A
    service that keeps using the first address that it looked up reaches no server.

    Args:
        link: the link whose name it is. Its target gives it one: `[links.postgres] name = "db.test"`.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (NAME_LOOKED_UP, DEAD_ADDRESS_DIALLED)
    does: ClassVar[str] = "give the name of {fault.link} another address, and refuse connects to the old one"
    right: ClassVar[bool] = True

    def said(self) -> Said:
        """The other address."""
        return Said(addresses=(OTHER,))

    def rules(self, port: int) -> tuple[Rule, ...]:
        """The new one leads to the link; the old one refuses."""
        return (_lead(OTHER, port), _refuse(HOME, port))


MOST_MS: Final = 60_000


def _example(fault: NameFault, ground: Ground) -> Example:
    # The server has not moved, so a service that remembers its address may acknowledge, and one that refuses is right
    # too.
    expect = ACKNOWLEDGED if fault.right else ground.without_link | ACKNOWLEDGED
    settings = ground.by_name
    return Example(
        fault, beside=(cut(ground.link),), deliveries=SOME, expect=expect, prepared=True, restarted_with=settings
    )


def _lead(host: str, port: int) -> LeadRule:
    return LeadRule(id=f"names-{host}-{port}", host=host, port=port, to_port=port, transport="stream")


def _refuse(host: str, port: int) -> ConnectRule:
    return ConnectRule(id=f"names-{host}-{port}", host=host, port=port, errno=errno.ECONNREFUSED)


class _Saying(Injection):
    def __init__(self, fault: NameFault, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._id = f"{fault.kind}-{next(_numbers)}"
        self._resolver, self._name = _named(fault, site)
        self._rules = fault.rules(self._laid.port)
        self._since = 0
        self._on = False

    async def act(self) -> None:
        """Give this answer from now on."""
        self._since = len(self._site.service.syscall_events()) if self._rules else 0
        for rule in self._rules:
            await asyncio.to_thread(self._site.service.add_rule, rule)
        self._resolver.say(self._name, self._id, self._fault.said())
        self._on = True

    def _asked(self) -> int:
        return sum(1 for query in self._resolver.queries if query.fault == self._id)

    def _dialled(self) -> list[SyscallEvent]:
        """Connects to the dead address."""
        if not self._rules:
            return []
        refusing = [rule.id for rule in self._rules if isinstance(rule, ConnectRule)]
        calls = self._site.service.syscall_events()[self._since :]
        return [call for call in calls if call.rule_id in refusing]

    async def fired(self) -> int:
        """The answered questions and the refused connects to the dead address, if they are its evidence."""
        dialled = len(self._dialled()) if DEAD_ADDRESS_DIALLED in self._fault.evidence else 0
        return dialled + (self._asked() if NAME_LOOKED_UP in self._fault.evidence else 0)

    async def instead(self) -> str:
        """A lookup alone is not enough if the service must also meet a dead address."""
        return f"the service looked up {self._name} {self._asked()} times"

    async def heal(self) -> None:
        """Give the right answer again."""
        if not self._on:
            return
        self._on = False
        asked, dialled = self._asked(), self._dialled()
        self._resolver.unsay(self._name, self._id)
        for rule in self._rules:
            await asyncio.to_thread(self._site.service.remove_rule, rule)
        if asked and NAME_LOOKED_UP in self._fault.evidence:
            self._site.saw(NAME_LOOKED_UP, f"{asked} questions for {self._name}: {self._fault.effect()}")
        if dialled:
            where = f"{dialled[0].host}:{dialled[0].port}"
            self._site.saw(DEAD_ADDRESS_DIALLED, f"{len(dialled)} connects to {where}, refused")


def _named(fault: NameFault, site: Site) -> tuple[Resolver, str]:
    """Return the name server and the link's name. Raises UsageError."""
    name = site.laid(fault.link).name
    if site.resolver is None or name is None:
        mend = f'add name = "{fault.link}.test" to [links.{fault.link}], and have the service connect by it'
        raise UsageError.at(fault.kind, "link", str(fault.link), "the target does not give this link a name", mend=mend)
    return site.resolver, name


nxdomain, servfail, no_answer, slow = NxDomain, ServFail, NoAnswer, Slow
dead_first, moved = DeadFirst, Moved
