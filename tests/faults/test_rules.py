"""What holds of every fault that the harness has: its class says all about it, and nothing else has to be touched."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import harness
from harness.drafting import kinds
from harness.faults.example import any_ground
from harness.faults.fault import Fault
from harness.faults.messages.message import MessageFault
from harness.faults.messages.order import Order
from harness.relay.rules.actions import ACTIONS
from harness.scenario.schedule import Schedule, read_schedule
from harness.standard.example_moves import moves_of

OURS = [fault for fault in kinds().values() if fault.__module__.startswith("harness.")]
every_fault = pytest.mark.parametrize("fault", OURS, ids=[fault.kind for fault in OURS])


@every_fault
def test_it_has_words_of_its_own(fault: type[Fault]) -> None:
    example = fault.example(any_ground(fault))
    assert example is not None
    words = example.fault.words()
    assert words
    assert repr(example.fault) not in words
    assert not words.endswith(".")


@every_fault
def test_it_declares_what_proves_it(fault: type[Fault]) -> None:
    assert fault.evidence
    assert all(each.kind and each.source and each.words for each in fault.evidence)


@every_fault
def test_its_example_is_the_same_after_a_way_through_a_schedule(fault: type[Fault], tmp_path: Path) -> None:
    example = fault.example(any_ground(fault))
    assert example is not None
    assert isinstance(example.fault, fault)
    moves = tuple(moves_of(example))
    schedule = Schedule(id="a", profile="hardened", without=(), seed=1, partial=False, moves=moves)
    schedule.write(tmp_path / "schedule.json")
    assert read_schedule(tmp_path / "schedule.json") == schedule
    compile(f"async def play(lab):\n    {schedule.to_python().replace(chr(10), chr(10) + '    ')}", "draft", "exec")


@every_fault
def test_its_name_in_a_scenario_is_its_kind(fault: type[Fault]) -> None:
    made: object = harness
    for word in fault.kind.split("."):
        made = getattr(made, word)
    assert made is fault or fault is Order, "wire.order is a function that makes one"


def test_every_kind_of_evidence_means_one_thing() -> None:
    sources = {(each.kind, each.source) for fault in OURS for each in fault.evidence}
    assert len(sources) == len({kind for kind, _ in sources})


def test_every_action_of_the_relay_is_that_of_one_fault_and_swept_or_left_out_for_a_reason() -> None:
    of_messages = MessageFault.kinds().values()
    acting = [fault.acts.kind for fault in of_messages]
    assert sorted(acting) == sorted(ACTIONS)
    assert [fault.kind for fault in of_messages if fault.swept and fault.not_swept] == []


def test_what_a_message_fault_does_is_its_action_with_the_same_fields() -> None:
    for fault in MessageFault.kinds().values():
        example = fault.example(any_ground(fault))
        assert example is not None
        assert isinstance(example.fault, MessageFault)
        action = example.fault.action()
        assert action.kind == fault.kind.rpartition(".")[2]
        for each in dataclasses.fields(action):
            assert getattr(action, each.name) == getattr(example.fault, each.name)


def test_no_fault_is_named_in_another_package() -> None:
    """Where a fault's kind is written down outside of its class, a second place has to be touched for a new one."""
    root = Path(harness.__file__).parent
    written = {
        f"{path.relative_to(root)}: {fault.kind}"
        for path in root.rglob("*.py")
        if path != root / "__init__.py"  # what scenarios import by its name
        for fault in OURS
        if f'"{fault.kind}"' in path.read_text("utf-8") and f"class {fault.__name__}(" not in path.read_text("utf-8")
    }
    assert written == {"cli/verbs/setup/new.py: link.cut"}, "the option's default"
