"""Faults that strike at a moment: they are armed when injected, and act when the moment comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from harness.faults.background import Background
from harness.faults.fault import Connections, Fault, Injection
from harness.faults.messages.relayed import fired, misses, rule_for
from harness.faults.site import Site
from harness.relay import Hold
from harness.vocabulary import Message, Moment


@dataclass(frozen=True, repr=False)
class TimedFault(Fault):
    """A fault that can act at a moment.

    If `at` is a message, the relay holds the first such message until the fault has acted. At any other moment the
    fault acts as soon as the moment is seen. None: when it is injected.
    """

    at: Moment | None = field(default=None, kw_only=True)

    @property
    def takes_away(self) -> frozenset[Connections]:
        """None if the fault waits for a moment, because the time is unknown then."""
        return super().takes_away if self.at is None else frozenset()

    def words(self) -> str:
        """What it does, and at which moment."""
        if self.at is None:
            return self.effect()
        return f"{self.effect()}, {'at' if isinstance(self.at, Message) else 'when'} {self.at.words()}"


class Trigger(Protocol):
    """Decides when a fault acts."""

    async def begin(self) -> None:
        """Start to watch."""

    async def come(self) -> None:
        """Wait until the moment has come."""

    async def acted(self) -> None:
        """Release what was held: the fault has acted, or never will. Can be called repeatedly."""

    async def instead(self) -> str:
        """What happened instead, if the moment has not come; otherwise ""."""


class AtMessage:
    """The relay holds a message until the fault has acted."""

    def __init__(self, at: Message, site: Site) -> None:
        self._site = site
        self._rule = rule_for(site.laid(at.link).hop, at, Hold(), always=False)

    async def begin(self) -> None:
        """Arm the relay."""
        await self._site.relay.arm(self._rule)

    async def come(self) -> None:
        """Wait until it holds the message."""
        await fired(self._site, self._rule)

    async def acted(self) -> None:
        """Release the message."""
        await self._site.relay.disarm(self._rule.id)

    async def instead(self) -> str:
        """What the relay saw instead."""
        return await misses(self._site, self._rule)


class WhenSeen:
    """The runner checks repeatedly whether the moment has come."""

    def __init__(self, come: Callable[[], Awaitable[None]], seen: Callable[[], Awaitable[str]]) -> None:
        self._come = come
        self._seen = seen

    async def begin(self) -> None:
        """Look once, so that a session that the look needs is open already: the moment may be short."""
        await self._seen()

    async def come(self) -> None:
        """Wait until it is seen."""
        await self._come()

    async def acted(self) -> None:
        """Do nothing: nothing is held."""

    async def instead(self) -> str:
        """What the last check saw."""
        return await self._seen()


class Armed(Injection):
    """Waits for its moment beside the scenario. If it never comes, the fault never acts and leaves no evidence."""

    def __init__(self, trigger: Trigger, fault: Injection) -> None:
        self._trigger = trigger
        self._fault = fault
        self._background = Background()
        self._striking = False

    async def act(self) -> None:
        """Arm it; it acts later."""
        await self._fault.prepare()
        await self._trigger.begin()
        self._background.begin(self._strike())

    async def _strike(self) -> None:
        await self._trigger.come()
        self._striking = True
        try:
            await self._fault.act()
        finally:
            await self._trigger.acted()

    async def fired(self) -> int:
        """How often it has taken effect."""
        return await self._fault.fired()

    async def instead(self) -> str:
        """What came instead of the moment or, if that has come, instead of the effect."""
        return await (self._fault if self._striking else self._trigger).instead()

    async def heal(self) -> None:
        """If the fault has begun to act, let it finish; then undo it. Raises the fault's error, if there was one."""
        await self._background.end(cancel=not self._striking)
        try:
            await self._trigger.acted()
        finally:  # the fault must be healed even if the held message cannot be released
            await self._fault.heal()
        self._background.check()
