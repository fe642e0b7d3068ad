"""Clients that hang up at a message of the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.hanging_up import HangingUp, HungUp
from harness.faults.messages.matched import message_met
from harness.faults.messages.message import MessageFault, Swept
from harness.faults.messages.relayed import rule_for
from harness.faults.site import Site
from harness.relay import Action, Rule
from harness.relay.rules import actions
from harness.vocabulary import UNKNOWN, Message

TOLD_EACH = 20
"""How many clients are recorded one by one. For the others only their number is recorded."""


@dataclass(frozen=True, repr=False)
class HangUp(MessageFault, kind="wire.hang_up"):
    """Clients close their connections at this message of their request. It passes only when their sockets are closed.

    For example::

        async with lab.inject(wire.hang_up(postgres.sent("COMMIT"))):
            await lab.deliver(5, expect=UNKNOWN)

    A message does not say whose request it serves. So the relay holds messages until there are as many as open
    requests: then each request is at its own message. A message with `nth=` comes only once: then all clients hang up
    whose requests are open. The fault strikes every client of the scenario. `lab.deliver(hang_up_at=...)` strikes the
    clients of one step, one after the other; use it if the service does not wait long enough at the message.

    Args:
        at: the message, such as `postgres.sent("COMMIT")`.

    Raises:
        UsageError: `at` is a message to which this cannot be done; the error says why.
    """

    does: ClassVar[str] = "have clients hang up at {at}"
    acts: ClassVar[type[Action]] = actions.HangUp
    hangs_up: ClassVar[bool] = True
    swept: ClassVar[Swept] = {"hang_up": lambda _: actions.HangUp()}
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (
        EvidenceKind("wire_hang_up", "client", "it closed its connection while the relay held the message"),
    )

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The client has gone: no answer can reach it."""
        return Example(cls(ground.sent), expect=UNKNOWN)

    def injection(self, site: Site) -> Injection:
        """Hold the message until the clients of the site have hung up."""
        return _HangsUp(self.evidence[0], self, site)


class _HangsUp(Injection):
    """Records each client that hung up."""

    def __init__(self, evidence: EvidenceKind, fault: HangUp, site: Site) -> None:
        self._evidence = evidence
        self._link = fault.at.link
        self._site = site
        self._rule = _rule(fault, site)
        self._hanging_up = HangingUp(site, self._rule, fault.at, self._saw)
        self._told_rest = False

    async def act(self) -> None:
        await self._hanging_up.begin()

    def _saw(self, gone: HungUp) -> None:
        if gone.number <= TOLD_EACH:
            met = message_met(str(self._link), self._rule, gone.fired)
            self._site.saw(self._evidence, f"{gone.told}: {met.told}", at=met)

    async def fired(self) -> int:
        return self._hanging_up.count

    async def instead(self) -> str:
        return await self._hanging_up.instead()

    async def heal(self) -> None:
        await self._hanging_up.end()
        if self._hanging_up.count > TOLD_EACH and not self._told_rest:
            self._told_rest = True
            self._site.saw(self._evidence, f"{self._hanging_up.count - TOLD_EACH} more clients hung up")


def _rule(fault: HangUp, site: Site) -> Rule:
    at: Message = fault.at
    return rule_for(site.laid(at.link).hop, at, fault.action(), always=at.nth is None)
