"""What is asked beside a cell is about no delivery of its own: a repeat would hide that it was lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.workload.clients import Answer
from harness.search.sweep.cells.asking import Asking
from harness.search.sweep.cells.trial import Trial
from harness.search.sweep.lane import Lane
from harness.target import Delivery
from harness.vocabulary import ACKNOWLEDGED

KNOWN, OTHER = (Delivery(name, "harness", b"{}") for name in ("msg_a", "msg_b"))


@pytest.mark.parametrize(("own", "asked"), [(KNOWN, []), (OTHER, [KNOWN]), (None, [KNOWN])])
def test_a_cell_is_not_asked_about_its_own_delivery(own: Delivery | None, asked: list[Delivery]) -> None:
    about: list[Delivery] = []

    async def ask_about(known: list[Delivery], *, broken: bool) -> None:
        assert not broken
        about.extend(known)

    contract = SimpleNamespace(recording=lambda _: SimpleNamespace(ask_about=ask_about))
    lane = cast("Lane", SimpleNamespace(contract=contract))
    recorded: list[Any] = []
    rig = SimpleNamespace(clients=SimpleNamespace(record_exchange=lambda *told: recorded.append(told[0])))
    asking = Asking(lane, known=(KNOWN, Answer("msg_a", ACKNOWLEDGED, 200, b"", 1.0)))
    asyncio.run(asking.ask(cast("Trial", SimpleNamespace(rig=rig, delivery=own)), broken=False))
    assert about == recorded == asked
