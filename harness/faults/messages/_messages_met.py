"""A fault that is one rule of the relay, in force until healed."""

from __future__ import annotations

from collections.abc import Callable

from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.messages.matched import message_met
from harness.faults.messages.relayed import misses, rule_for
from harness.faults.site import Site
from harness.relay import Action, Fired, Report
from harness.vocabulary import Message

TOLD_EACH = 20
"""How many firings are recorded one by one. For the others only their number is recorded."""


class MessagesMet(Injection):
    """Arms the rule, and records each time that it fires."""

    def __init__(self, evidence: EvidenceKind, at: Message, action: Action, site: Site, *, every_one: bool) -> None:
        self._evidence = evidence
        self._at = at
        self._site = site
        self._rule = rule_for(site.laid(at.link).hop, at, action, always=every_one)
        self._told = 0
        self._more: list[str] = []
        self._leave: Callable[[], None] | None = None

    async def act(self) -> None:
        self._leave = self._site.relay.on_report(self._heard)
        await self._site.relay.arm(self._rule)

    def _heard(self, report: Report) -> None:
        if not isinstance(report, Fired) or report.rule != self._rule.id:
            return
        self._told += 1
        if self._told <= TOLD_EACH:
            met = message_met(str(self._at.link), self._rule, report)
            self._site.saw(self._evidence, met.told, t_ns=report.t_ns, at=met)
        else:
            self._more.append(report.subject)

    async def fired(self) -> int:
        return len(await self._site.relay.fired(self._rule.id))

    async def instead(self) -> str:
        return await misses(self._site, self._rule)

    async def heal(self) -> None:
        if self._leave is None:
            return
        await self._site.relay.disarm(self._rule.id)
        self._leave()
        self._leave = None
        if self._told > TOLD_EACH:
            detail = f"{self._told - TOLD_EACH} more on {self._at.link}"
            self._site.saw(self._evidence, detail, deliveries=tuple(self._more))
