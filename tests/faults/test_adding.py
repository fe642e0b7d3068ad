"""ARCHITECTURE.md's table, as far as faults go: what a new one touches is enough for everything that shows it."""

from __future__ import annotations

import sys

from tests.tiny import completed

SHOWN = """
from harness.cli.verbs.setup.faults import fault_lines
from harness.drafting import draft
from harness.engine.steps import Inject
from harness.faults.example import any_ground
from harness.faults.fault import Fault
from harness.present.html.runs.words import step_words
from harness.target import load_target
from harness.vocabulary import from_json, to_json
from pathlib import Path

target = load_target(Path("scenarios/target.toml"))
fault = Fault.kinds()[KIND].example(any_ground(Fault.kinds()[KIND])).fault
assert from_json(to_json(fault), Fault, place="here") == fault
print(step_words(Inject((fault,))))
print(*(line for line in fault_lines()), sep="\\n")
print(draft("night", target, kind=KIND, link="redis", protection=None).text)
"""
LINK_FAULT = '''
from dataclasses import dataclass, field
from typing import ClassVar
from harness.faults.example import Example, Ground
from harness.faults.links.toxic import ToxicFault, limits

KIND = "link.added_by_a_test"

@dataclass(frozen=True, repr=False)
class Trickle(ToxicFault, kind=KIND):
    """One byte passes every `delay_us`."""

    does = "let {fault.link}'s bytes trickle"
    toxic: ClassVar[str] = "slicer"
    always = {"average_size": 1, "size_variation": 0}
    delay_us: int = field(kw_only=True, metadata=limits("delay", at_least=1, at_most=60_000_000))

    @classmethod
    def example(cls, ground: Ground) -> Example:
        return Example(cls(ground.link, delay_us=5), deliveries=2)
'''
WIRE_ACTION = """
from dataclasses import dataclass
from typing import ClassVar
from harness.relay.rules.actions import Action, Drop

@dataclass(frozen=True, slots=True)
class Lose(Drop):
    kind: ClassVar[str] = "lose"
"""
WIRE_FAULT = '''
from harness.faults.messages.message import WireFault

KIND = "wire.lose"

@dataclass(frozen=True, repr=False)
class LoseIt(WireFault, kind=KIND):
    """The message is lost."""

    does = "lose {at}"
    acts = Lose
    swept = {"lose": lambda _: Lose()}
'''
SERVER_FAULT = '''
from dataclasses import dataclass
from typing import ClassVar
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.messages.timing import TimedFault
from harness.protocols.redis.words import Redis

KIND = "server.forget"

@dataclass(frozen=True, repr=False)
class Forget(TimedFault, kind=KIND):
    """Redis forgets."""

    does = "let Redis forget"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (EvidenceKind("forgotten", "Redis", "it has forgotten"),)
    link: Redis

    @classmethod
    def example(cls, ground: Ground) -> Example:
        return Example(cls(ground.link_as(Redis)), met="after", prepared=True)
'''
SWEPT = """
from harness.history.events import MessageMet
from harness.protocols.contract.speech import fingerprint
from harness.relay import Match, Rule
from harness.search.recording.places import Place, Point
from harness.search.recording.recording import Observed
from harness.search.space.actions import ACTIONS, sensible
from harness.search.space.coverage import hit_by_evidence
from harness.search.space.space import FaultSpace
from harness.search.sweep.cells.arming import action_of

place = Place("redis", "sent", "query", "SET", "SET", 1)
point = Point(place, "lose")
message = Observed(place, "redis", "SET", 1, 20, True, False)
assert point in sensible(message)
assert action_of(point, message) == Lose()
rule = Rule(id="r", hop="h", match=Match(direction="sent"), action=Lose())
assert Rule.from_json(rule.to_json()) == rule
met = MessageMet(
    link="redis", connection=1, port=1, message="SET", direction="sent", text="SET a 1", offset=0, passed_bytes=0
)
known = Point(Place("redis", "sent", "query", "SET", fingerprint("redis", met.text), 1), "lose")
assert hit_by_evidence(FaultSpace({known: ("warm",)}), "wire_lose", met, {"redis": "redis"}) == {known}
print("swept", "lose" in ACTIONS)
"""


def said_by(program: str) -> str:
    process = completed([sys.executable, "-c", f"from __future__ import annotations\n{program}"], within_s=120)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_a_link_fault_is_one_class() -> None:
    said = said_by(LINK_FAULT + SHOWN)
    assert said.startswith("Break: let postgres's bytes trickle.\n")
    assert "link.added_by_a_test(link: Link, *, delay_us: int)\n    One byte passes every `delay_us`.\n" in said
    assert "    example: link.added_by_a_test(postgres, delay_us=5): let postgres's bytes trickle\n" in said
    assert "    proved by: toxic_met (kernel and Toxiproxy): something was asked or answered" in said
    assert "async with lab.inject(link.added_by_a_test(redis, delay_us=5)):\n        await lab.deliver(2)\n" in said


def test_a_wire_action_is_what_the_relay_does_and_a_class() -> None:
    said = said_by(WIRE_ACTION + WIRE_FAULT + SHOWN + SWEPT)
    assert said.startswith("Break: lose the answer to INSERT from postgres.\n")
    assert "    proved by: wire_lose (relay): " in said
    assert 'async with lab.inject(wire.lose(redis.answered("SET"))):\n        await lab.deliver()\n' in said
    assert said.endswith("swept True\n")


def test_a_server_fault_is_one_class() -> None:
    found = "from harness import server\nassert server.forget is Forget\n"
    said = said_by(SERVER_FAULT + found + SHOWN)
    assert said.startswith("Break: let Redis forget.\n")
    assert "    proved by: forgotten (Redis): it has forgotten\n" in said
    assert "await lab.deliver()\n    await lab.inject(server.forget(redis))\n    await lab.deliver()\n" in said
