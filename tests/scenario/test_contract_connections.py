"""A wrong request has a connection of its own: a service may end that, and owes nothing for it to other requests."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.rig import Rig
from harness.engine.workload.clients import Errand
from harness.engine.workload.contract import Contract
from harness.history.events import Asks
from harness.target import Delivery, load_target

TARGET = load_target(Path(__file__).parents[2] / "scenarios" / "target.toml")
KNOWN = Delivery("msg_a", "harness", b"{}")


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("broken", [True, False])
def test_a_wrong_request_shares_its_connection_with_no_other(one_by_one: bool, broken: bool) -> None:
    sent: list[Errand] = []

    async def send(delivery: Delivery, errand: Errand) -> Any:
        del delivery
        sent.append(errand)

    clients = SimpleNamespace(send=send, deliveries=SimpleNamespace(seed="a seed"), sent={})
    rig = cast("Rig", SimpleNamespace(target=TARGET, clients=clients))
    asyncio.run(Contract(rig, one_by_one=one_by_one).ask_about([KNOWN], broken=broken))
    wrong = [errand.over for errand in sent if errand.asks is Asks.WRONG]
    assert len(wrong) > 1
    assert None not in wrong
    others = [errand.over for errand in sent if errand.asks is not Asks.WRONG]
    assert others
    assert all(one is not other for one, other in itertools.combinations(wrong, 2))
    assert all(one is not other for one in wrong for other in others)
