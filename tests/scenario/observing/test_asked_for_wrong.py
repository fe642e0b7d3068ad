"""What the relay is told to look for: the scenario's deliveries, and beside them those that nobody may be asked for."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.engine.observing.servers.tries import count_tries, record_tries
from harness.engine.rig import Rig
from harness.engine.workload.deliveries import of_one_size, of_the_contract
from harness.history import Recorder
from harness.history.events import AskedForWrong, Asks, RequestSent
from harness.relay import Tally
from harness.target import load_target

TARGET = load_target(Path(__file__).parents[3] / "scenarios" / "target.toml")
OWN, CONTRACT = of_one_size("seed").next().name, of_the_contract("seed").next().name


class Relay:
    """Takes what is to be counted, and tells what was named."""

    def __init__(self, *named: str) -> None:
        self.counts: dict[str, tuple[str, str]] = {}
        self._named = named

    async def count_tries(self, hop: str, subjects: str, noted: str) -> None:
        self.counts[hop] = subjects, noted

    async def tries(self, hop: str) -> Tally:
        assert hop in self.counts
        return Tally(statements=0, failed=0, left_out=0, tried=(), met=(), more_met=0, noted=self._named)


def rig_on(relay: Relay, *, asks_nobody: bool) -> Rig:
    described = TARGET.description
    contract = described.contract.model_copy(update={"wrong_asks_nobody": asks_nobody})
    target = SimpleNamespace(description=described.model_copy(update={"contract": contract}))
    site = SimpleNamespace(relay=relay, links={"postgres": SimpleNamespace(hop="postgres-1")})
    clients = SimpleNamespace(deliveries=of_one_size("seed"))
    return cast("Rig", SimpleNamespace(target=target, site=site, clients=clients, recorder=Recorder()))


@pytest.mark.parametrize(("asks_nobody", "found"), [(True, [CONTRACT]), (False, [])])
def test_ids_of_the_contract_are_noted_where_what_is_wrong_may_ask_nobody(asks_nobody: bool, found: list[str]) -> None:
    relay = Relay()
    asyncio.run(count_tries(rig_on(relay, asks_nobody=asks_nobody)))
    subjects, noted = relay.counts["postgres-1"]
    assert [name for name in (OWN, CONTRACT) if re.search(subjects, name)] == [OWN]
    assert [name for name in (OWN, CONTRACT) if noted and re.search(noted, name)] == found


def sent(number: int, name: str, asks: Asks) -> RequestSent:
    return RequestSent(number, name, "", 1, "contract", None, None, asks.value)


def test_only_what_was_sent_in_wrong_requests_alone_is_told_as_asked_for() -> None:
    async def counted() -> Rig:
        relay = Relay("wrong", "stored", "other")
        rig = rig_on(relay, asks_nobody=True)
        await count_tries(rig)
        for number, (name, asks) in enumerate(
            [("wrong", Asks.WRONG), ("quiet", Asks.WRONG), ("stored", Asks.WRONG), ("stored", Asks.DELIVER)]
        ):
            rig.recorder.record("client", sent(number, name, asks))
        await record_tries(rig)
        return rig

    assert list(asyncio.run(counted()).recorder.history.of(AskedForWrong)) == [AskedForWrong("postgres", 2, ("wrong",))]
