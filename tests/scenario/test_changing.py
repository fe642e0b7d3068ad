"""Which requests change and remove deliveries, and about which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.engine.workload.changing import Changing
from harness.engine.workload.deliveries import of_one_size
from harness.history.events import Asks, Purpose
from harness.target.description import TargetDescription

DOCUMENT: dict[str, Any] = {
    "schema": "harness.target/2",
    "name": "one",
    "service": {"command": ["a", "{service.port}"], "environment": {}, "alive": "/alive", "unhandled": "x"},
    "links": {"postgres": {"protocol": "postgres"}},
    "sender": {"http": {"path": "/{id}"}},
    "reads": {"one": {"path": "/{id}"}},
    "stored": {"sql": "SELECT id, digest FROM one"},
    "limits": {"connections": 1, "body_bytes": 1000},
    "changes": {
        "remove": {"method": "DELETE", "path": "/{id}", "removes": True},
        "amend": {"path": "/{id}"},
    },
}


def changing(**changed: Any) -> Changing:
    return Changing(TargetDescription.model_validate({**DOCUMENT, **changed}), of_one_size("seed"))


def asked(of: Changing, *, broken: bool) -> Sequence[Sequence[tuple[str, str]]]:
    """What is asked in each row, and of which delivery, by the last digit of its id."""
    rows = of.rows(broken=broken, purpose=Purpose.CONTRACT)
    return [
        [(errand.name if errand.asks is Asks.CHANGE else str(errand.asks), delivery.id[-1]) for delivery, errand in row]
        for row in rows
    ]


def test_one_delivery_is_changed_and_removed_and_others_are_made_ready() -> None:
    of = changing()
    life, ready = asked(of, broken=False)
    assert [what for what, _ in life] == [
        "deliver", "read_changed", "amend", "read_changed", "remove", "read_changed", "remove"
    ]  # fmt: skip
    assert len({delivery for _, delivery in life}) == 1
    assert [what for what, _ in ready] == ["deliver", "read_changed"] * 2
    assert asked(of, broken=False)[1] == []  # they are still there


def test_what_is_broken_meets_one_that_was_read_before_and_it_is_read_afterwards() -> None:
    of = changing()
    assert asked(of, broken=True) == []
    _, ready = asked(of, broken=False)
    met = asked(of, broken=True)
    assert [what for ((what, _),) in met] == ["remove", "amend"]
    assert {delivery for ((_, delivery),) in met} == {delivery for _, delivery in ready}
    assert asked(of, broken=True) == []
    _, afterwards = asked(of, broken=False)
    assert afterwards[:2] == [("read_changed", delivery) for ((_, delivery),) in met]
    assert asked(of.apart(), broken=True) == []


def test_a_target_without_changes_is_asked_for_none() -> None:
    assert asked(changing(changes={}), broken=False) == []
