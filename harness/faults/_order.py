"""Messages that pass in a given order: the relay holds all of them, and releases one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from harness.faults._background import Background
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.relayed import fired, misses, passed, rule_for
from harness.faults.site import Site
from harness.relay import Hold, Rule
from harness.vocabulary import Message


class InOrder(Injection):
    """Takes effect when the last of the messages has passed. Healed, the messages that are still held go on."""

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
