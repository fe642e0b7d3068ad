from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.search.orders.asked import ID, order_scenarios
from harness.target import Target, load_target

REPOSITORY = Path(__file__).parents[2]


def asking(**wanted: object) -> Target:
    target = load_target(REPOSITORY / "scenarios" / "target.toml")
    asked = target.description.interleavings
    assert asked is not None
    changed = target.description.model_copy(update={"interleavings": asked.model_copy(update=wanted)})
    return dataclasses.replace(target, description=changed)


def test_one_scenario_with_its_proof() -> None:
    (orders,) = order_scenarios(asking())
    assert orders.id == ID
    assert [(proof.protections, proof.fails) for proof in orders.proofs] == [(("insert.idempotent",), "stored_once")]
    assert orders.run is not None


def test_none_where_the_target_asks_for_none() -> None:
    target = asking()
    silent = target.description.model_copy(update={"interleavings": None})
    assert order_scenarios(dataclasses.replace(target, description=silent)) == ()


def test_a_protection_that_there_is_not() -> None:
    with pytest.raises(UsageError, match=r"(?s)proves.*insert.idempotnt.*insert.idempotent"):
        order_scenarios(asking(proves="insert.idempotnt"))
