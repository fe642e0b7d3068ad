"""In which order the requests of a contract are sent, where that is what tells most."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.rig import Rig
from harness.engine.workload.clients import Errand
from harness.engine.workload.contract import TURNS, Contract
from harness.history.events import Asks
from harness.target import Delivery, Target, load_target

TARGET = load_target(Path(__file__).parents[2] / "scenarios" / "target.toml")
KNOWN = Delivery("msg_a", "harness", b'{"a": "x"}')
Sent = Sequence[tuple[Delivery, Errand]]


def with_right(*names: str) -> Target:
    """The target with no other right requests than these."""
    description = TARGET.description
    only = {name: each for name, each in description.right.items() if name in names}
    return dataclasses.replace(TARGET, description=description.model_copy(update={"right": only}))


def asked(
    target: Target, *, broken: bool, turns: int = 1, known: Delivery = KNOWN, before: Sequence[Delivery] = ()
) -> Sent:
    """What is sent in so many turns, in this order. `before`: deliveries that were sent already."""
    sent: list[tuple[Delivery, Errand]] = []

    async def send(delivery: Delivery, errand: Errand) -> Any:
        sent.append((delivery, errand))

    async def ask() -> None:
        sent_before = {each.name: each for each in before}
        clients = SimpleNamespace(send=send, deliveries=SimpleNamespace(seed="a seed"), sent=sent_before)
        contract = Contract(cast("Rig", SimpleNamespace(target=target, clients=clients)))
        for _ in range(turns):
            await contract.ask_about([known], broken=broken)

    asyncio.run(ask())
    return sent


@pytest.mark.parametrize("right", [[*TARGET.description.right], ["garbage_behind"], []])
def test_one_is_read_before_it_is_there_and_once_it_is(right: list[str]) -> None:
    """A service that remembers what it did not find denies it then."""
    sent = asked(with_right(*right), broken=False, turns=TURNS)
    came = {delivery.name: [errand.asks for of, errand in sent if of.name == delivery.name] for delivery, _ in sent}
    whole = [asks for asks in came.values() if asks[:3] == [Asks.READ_UNSENT, Asks.DELIVER, Asks.READ]]
    assert len(whole) == TURNS


def test_what_is_right_is_all_sent() -> None:
    names = [errand.name for _, errand in asked(TARGET, broken=False, turns=TURNS) if errand.asks is Asks.DELIVER]
    quick = [name for name, each in TARGET.description.right.items() if not each.slow and not each.by_name_only]
    assert sorted(filter(None, names)) == sorted(quick)


def test_what_is_wrong_comes_when_the_service_knows_what_is_broken() -> None:
    """It may be less strict then: a breaker that has opened, for one, leads another way through its code."""
    order = [errand.asks is Asks.WRONG for _, errand in asked(TARGET, broken=True)]
    assert order == sorted(order)
    assert {*order} == {False, True}


def test_nothing_is_read_while_something_is_broken_that_is_only_just_sent() -> None:
    """All are sent at once then, so it may not be there yet."""
    sent = asked(TARGET, broken=True, turns=TURNS)
    read = {delivery.name for delivery, errand in sent if errand.asks is Asks.READ}
    assert read == {KNOWN.name}


def test_what_is_altered_is_one_that_was_accepted() -> None:
    altered = [delivery for delivery, errand in asked(TARGET, broken=False, turns=TURNS) if errand.name == "altered"]
    assert altered == [KNOWN]


def test_another_source_has_a_body_of_its_own_under_the_same_id_and_is_shown_that() -> None:
    sent = asked(TARGET, broken=False, turns=TURNS)
    neighbours = [(delivery, errand.asks) for delivery, errand in sent if delivery.name == f"Neighbour/{KNOWN.id}"]
    assert [asks for _, asks in neighbours][:4] == [Asks.DELIVER, Asks.READ] * 2
    assert {delivery.body for delivery, _ in neighbours} == {b'{"a": "a"}'}
    rotated = [delivery.body for delivery, _ in sent if delivery.identity == "before_rotation"]
    assert {*rotated} == {KNOWN.body}


@pytest.mark.parametrize("body", [b'{"a": "7"}', b'{"a": ""}', b'{"a": 1}'])
def test_another_source_has_another_body_whatever_the_first_one_ends_with(body: bytes) -> None:
    """With one body for both, a read that forgets the source would show the right one."""
    known = Delivery("msg_a", "harness", body)
    sent = asked(TARGET, broken=False, known=known)
    neighbours = {delivery.body for delivery, _ in sent if delivery.name == f"Neighbour/{known.id}"}
    assert neighbours
    assert body not in neighbours


def test_each_source_has_one_body_whichever_of_them_was_acknowledged_last() -> None:
    last = Delivery(KNOWN.id, "A-Source", b'{"a": "a"}')
    before = [KNOWN, last, Delivery(KNOWN.id, "Neighbour", b'{"a": "a"}')]
    sent = asked(TARGET, broken=False, turns=TURNS, known=last, before=before)
    bodies = {(delivery.source, delivery.body) for delivery, errand in sent if errand.asks is Asks.DELIVER}
    assert {("harness", KNOWN.body), ("Neighbour", b'{"a": "a"}')} <= bodies
    assert ("Neighbour", b'{"a": "b"}') not in bodies
