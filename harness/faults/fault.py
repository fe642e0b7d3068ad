"""What a fault is: a value that says what to break, and an injection that breaks and heals it."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, cast

from harness.capability import PGBOUNCER, PROMETHEUS
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.vocabulary import Link, Moment, Value
from harness.vocabulary.moments import REACHED_AT_ONCE
from harness.vocabulary.refusals import at_least_one

if TYPE_CHECKING:
    from harness.faults.site import Site

Need: TypeAlias = str
"""What a machine or a stack must have for a fault. If it lacks this, the scenario is `unavailable`.

One of CAPABILITIES, or "own_NAME": the harness has started the server with this name, instead of getting its URL.
"""
CLOCK: Final = "clock"
SOCKET_FILTER: Final = "socket_filter"
RAW_SOCKET: Final = "raw_socket"
CAPABILITIES: Final = ("seccomp", "user_namespace", CLOCK, PROMETHEUS, PGBOUNCER, SOCKET_FILTER, RAW_SOCKET)
Connections: TypeAlias = Literal["open", "new"]
"""Connections of a link: "open" ones existed when the fault began, "new" ones are made while it is in force."""
WHOLE_LINK: Final[frozenset[Connections]] = frozenset({"open", "new"})


def own(server: str) -> Need:
    """The need for a server that the harness starts, by the server's name: `own("ledger")` is "own_ledger"."""
    return f"own_{server}"


def is_server(need: Need) -> bool:
    """Whether a need is for a server that the harness starts."""
    return need.startswith(own(""))


@dataclass(frozen=True, repr=False)
class Fault(Value):
    """One thing that goes wrong, at one layer. It is a value: nothing happens until it is injected.

    For example::

        async with lab.inject(link.down(redis)):
            await lab.deliver()

    Scenarios take faults from `link`, `wire`, `server`, `syscall` and `process`. A fault's class says everything about
    it: what the machine must have (`needs`), what proves that it took effect (`evidence`), its description (`does` or
    `effect`), how a scenario uses it (`example`), and what injects it (`injection`).
    """

    does: ClassVar[str] = ""
    needs: ClassVar[frozenset[Need]] = frozenset()
    needs_own_server: ClassVar[bool] = False
    """Whether the harness must have started the link's server: data on a server given by URL is not touched."""

    evidence: ClassVar[tuple[EvidenceKind, ...]] = ()
    """Its evidence. One kind is enough. Without any, the run is inconclusive."""
    leaves_evidence: ClassVar[bool] = True
    """Whether a run without evidence of this fault is inconclusive."""
    takes: ClassVar[frozenset[Connections]] = frozenset()
    """Which connections of its link the service cannot use while the fault is in force."""
    waits_are_seen: ClassVar[bool] = False
    """Whether the relay sees everything that the service waits for, while the fault is in force."""
    of_a_replica: ClassVar[bool] = False
    """Whether it strikes only a link by which the service reads a replica."""
    of_a_pooler: ClassVar[bool] = False
    """Whether it strikes only a link by which the service may use a pooler."""
    of_a_sentinel: ClassVar[bool] = False
    """Whether it strikes only a link by which the service may ask a Sentinel."""
    of_the_process: ClassVar[bool] = False
    """Whether it strikes the service's own process, which then need not answer that it is alive."""

    @property
    def takes_away(self) -> frozenset[Connections]:
        """The connections that it `takes`: none if it strikes only at a moment, or only some times."""
        return self.takes

    @property
    def lasting(self) -> bool:
        """Whether its change to a server remains after the fault is healed."""
        return False

    @classmethod
    def shown_needs(cls) -> tuple[str, ...]:
        """Its needs, for a list of faults. `own_SERVER` stands for the server of its link, under any name."""
        return (*sorted(cls.needs), *((own("SERVER"),) if cls.needs_own_server else ()))

    def fired(self, times: int = 1) -> Moment:
        """The fault has taken effect at least `times` times since it was injected.

        For example::

            held = wire.hold(postgres.sent("COMMIT"))
            async with lab.inject(held), lab.deliver():
                await lab.until(held.fired())

        If it is not reached in time, the run is inconclusive.

        Args:
            times: how many times, 1 or more.

        Raises:
            UsageError: `times` is less than 1.
        """
        return FaultFired(self, times)

    def effect(self) -> str:
        """What it does, as a clause without a full stop: `cut every open connection to redis`.

        A class writes this clause into `does`, where its fields are `{fault.NAME}`, or overrides this method.
        """
        return self.does.format(fault=self) if self.does else repr(self)

    def words(self) -> str:
        """What it does and when, as reports and terminals show it."""
        return self.effect()

    @classmethod
    def fits(cls) -> type[Link]:
        """The class of the links that it can strike: the type of its field `link`, if it has one."""
        return cast("type[Link]", cls.field_types().get("link", Link))

    @classmethod
    def example(cls, ground: Ground) -> Example | None:  # noqa: ARG003  # for those that have one
        """Return a short scenario in which it leaves evidence and a correct service holds, or None.

        Raises:
            UsageError: this target's description does not allow one.
        """
        return None

    @abc.abstractmethod
    def injection(self, site: Site) -> Injection:
        """Return the injection of this fault for one running service."""


class Injection(abc.ABC):
    """One fault in one service. It reports evidence to the site, and does not judge it."""

    starts_anew: bool = False
    """Whether the service is restarted when the fault acts, and again when it is healed. Each restart ends a
    process."""

    async def prepare(self) -> None:
        """Do what takes time before the fault can strike. Called before the wait for its moment, otherwise by `act`."""
        return

    @abc.abstractmethod
    async def act(self) -> None:
        """Cause the fault. Return when it is in force."""

    @abc.abstractmethod
    async def heal(self) -> None:
        """Undo it, after the last look for evidence. It can be called at any time, and repeatedly."""

    async def fired(self) -> int:
        """How often it has taken effect so far."""
        return 0

    async def instead(self) -> str:
        """What happened instead, if the fault has not taken effect and the reason is known. Called before `heal`."""
        return ""


class Once(Injection):
    """An effect that happens once and stays: deleted keys, ended sessions. `act` counts them in `struck`."""

    struck = 0

    async def fired(self) -> int:
        """How many things it struck."""
        return self.struck

    async def heal(self) -> None:
        """Do nothing: the effect is permanent."""


@dataclass(frozen=True, repr=False)
class FaultFired(Moment, kind="fired"):
    """See `Fault.fired`."""

    fault: Fault
    times: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "times", self.times, REACHED_AT_ONCE)

    def __repr__(self) -> str:
        """The call that builds it."""
        return f"{self.fault!r}.fired({'' if self.times == 1 else self.times})"


@dataclass(frozen=True, repr=False)
class NoFault(Fault, kind="no_fault"):
    """Nothing is broken: the healthy case among the faults that a scenario has as a parameter.

    For example::

        @pytest.mark.parametrize("fault", [no_fault, link.down(redis)])
        async def test_stored_with_and_without_the_cache(lab: Lab, fault: Fault) -> None:
            async with lab.inject(fault):
                await lab.deliver()

    It needs no evidence, so a run in which it was the only fault can hold without any.
    """

    does: ClassVar[str] = "nothing"
    leaves_evidence: ClassVar[bool] = False
    waits_are_seen: ClassVar[bool] = True

    def __repr__(self) -> str:
        """The name of the one value."""
        return "no_fault"

    def __str__(self) -> str:
        """The same, as an id."""
        return "no_fault"

    @classmethod
    def example(cls, ground: Ground) -> Example:  # noqa: ARG003  # the signature is Fault's
        """Deliver without a fault."""
        return Example(cls())

    def injection(self, site: Site) -> Injection:  # noqa: ARG002  # the signature is Fault's; there is nothing to break
        """Return an injection that does nothing and needs no evidence."""
        return _Nothing()


class _Nothing(Injection):
    async def act(self) -> None:
        """Do nothing."""

    async def heal(self) -> None:
        """Do nothing."""


no_fault = NoFault()
