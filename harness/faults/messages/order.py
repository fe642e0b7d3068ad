"""Messages that pass in a given order: the relay holds them all and releases one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.messages.relayed import fired, misses, passed, rule_for
from harness.faults.site import Site
from harness.relay import Hold, Rule
from harness.vocabulary import Message

FEWEST_TO_ORDER = 2


@dataclass(frozen=True, repr=False)
class Order(Fault, kind="wire.order"):
    """Each message waits until those before it have passed.

    For example::

        one, two = postgres.sent("INSERT", connection=1), postgres.sent("INSERT", connection=2)
        async with lab.inject(wire.order(two, one)):
            await lab.deliver(copies=2)

    `fired` counts the messages that have passed.

    Args:
        messages: two or more, in the order in which they pass.

    Raises:
        UsageError: there are fewer than two messages.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (
        EvidenceKind("wire_order", "relay", "the relay let all of the messages pass, one after the other"),
    )
    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.messages) < FEWEST_TO_ORDER:
            problem = "fewer than two messages have no order"
            raise UsageError.at(self.kind, "messages", self.messages, problem, mend="name two or more")

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The later of two copies of a delivery overtakes the earlier one, which waits for it."""
        first, second = (ground.link.sent(ground.sent.text, connection=number) for number in (1, 2))
        return Example(cls((second, first)), copies=2)

    def effect(self) -> str:
        """The messages in their order, with their connections if those matter."""
        said = [
            f"{each.words()} on connection {each.connection}" if each.connection is not None else each.words()
            for each in self.messages
        ]
        return f"let messages pass in this order only: {', then '.join(said)}"

    def injection(self, site: Site) -> Injection:
        """Hold all messages, and release one after the other."""
        return _InOrder(self.evidence[0], self.messages, site)


def order(*messages: Message) -> Order:
    """Let messages pass in this order only: each waits until those before it have passed.

    For example::

        one, two = postgres.sent("INSERT", connection=1), postgres.sent("INSERT", connection=2)
        async with lab.inject(wire.order(two, one)):
            await lab.deliver(copies=2)

    Args:
        messages: two or more, such as the same statement on two connections.

    Raises:
        UsageError: there are fewer than two messages.
    """
    return Order(messages)


class _InOrder(Injection):
    """Takes effect when the last of the messages has passed. After healing, the messages that are still held go on."""

    def __init__(self, evidence: EvidenceKind, messages: Sequence[Message], site: Site) -> None:
        self._evidence = evidence
        self._messages = messages
        self._site = site
        self._rules = [rule_for(site.laid(each.link).hop, each, Hold(), always=False) for each in messages]
        self._passed = 0
        self._background = Background()

    async def act(self) -> None:
        for rule in self._rules:
            await self._site.relay.arm(rule)
        self._background.begin(self._one_by_one())

    async def _one_by_one(self) -> None:
        for rule in self._rules:
            await fired(self._site, rule)
            await self._site.relay.release(rule.id)
            await passed(self._site, rule)
            self._passed += 1
        self._site.saw(self._evidence, f"passed one after the other: {self._words(self._messages)}")

    async def fired(self) -> int:
        return self._passed

    async def instead(self) -> str:
        if self._passed == len(self._rules):
            return ""
        rest = self._rules[self._passed :]
        waited = self._words(self._messages[self._passed : self._passed + 1])
        return f"{self._passed} passed, then {waited} did not come: {await self._missed(rest[0])}"

    async def _missed(self, rule: Rule) -> str:
        return await misses(self._site, rule) or "it is held still"

    def _words(self, messages: Sequence[Message]) -> str:
        return ", ".join(repr(each) for each in messages)

    async def heal(self) -> None:
        await self._background.end(cancel=True)
        for rule in self._rules:
            await self._site.relay.disarm(rule.id)
        self._background.check()
