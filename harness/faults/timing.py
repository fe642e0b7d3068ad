"""Faults that strike at a moment: they are armed when injected, and act when the moment comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from harness.faults._background import Background
from harness.faults.fault import Fault, Injection
from harness.faults.relayed import fired, misses, rule_for
from harness.faults.site import Site
from harness.relay import Hold
from harness.vocabulary import Message, Moment


@dataclass(frozen=True, repr=False)
class TimedFault(Fault):
    """A fault that can be told when to act.

    `at` a message: the relay holds it until the fault has acted; the first such message only. At any
    other moment the fault acts as soon as it is seen. None: when it is injected.
    """

    at: Moment | None = field(default=None, kw_only=True)

    def words(self) -> str:
        """What it does, and at which moment."""
        if self.at is None:
            return self.effect()
        return f"{self.effect()}, {'at' if isinstance(self.at, Message) else 'when'} {self.at.words()}"


class Trigger(Protocol):
    """Tells when a fault is to act."""

    async def begin(self) -> None:
        """Begin to watch."""

    async def come(self) -> None:
        """Return when the moment has come."""

    async def acted(self) -> None:
        """Let go what was held: the fault has acted, or never will. Safe to call again."""

    async def instead(self) -> str:
        """What was seen instead, where it has not come; "" where it has."""


class AtMessage:
    """The relay holds a message for it."""

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
        """Let the message go on."""
        await self._site.relay.disarm(self._rule.id)

    async def instead(self) -> str:
        """What the relay has seen."""
        return await misses(self._site, self._rule)


class WhenSeen:
    """Somebody looks again and again."""

    def __init__(self, come: Callable[[], Awaitable[None]], seen: Callable[[], Awaitable[str]]) -> None:
        self._come = come
        self._seen = seen

    async def begin(self) -> None:
        """Nothing has to be prepared."""

    async def come(self) -> None:
        """Wait until it is seen."""
        await self._come()

    async def acted(self) -> None:
        """Nothing is held."""

    async def instead(self) -> str:
        """What the last look saw."""
        return await self._seen()


class Armed(Injection):
    """Waits for its moment beside the scenario. Without it the fault never acts, and leaves no evidence."""

    def __init__(self, trigger: Trigger, fault: Injection) -> None:
        self._trigger = trigger
        self._fault = fault
        self._background = Background()
        self._striking = False

    async def act(self) -> None:
        """Arm it; it acts later."""
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
        """What came in place of the moment; once it has come, in place of the effect."""
        return await (self._fault if self._striking else self._trigger).instead()

    async def heal(self) -> None:
        """Let it finish where it has begun to act, then undo it. What broke it is raised here."""
        await self._background.end(cancel=not self._striking)
        try:
            await self._trigger.acted()
        finally:  # whatever becomes of the message that was held, the fault goes
            await self._fault.heal()
        self._background.check()
