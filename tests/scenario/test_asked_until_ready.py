"""How long the service is asked whether it is ready, while nothing is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.engine.observing.service.health import HealthSampling
from harness.engine.rig import Rig
from harness.engine.workload.clients import Answer
from harness.target import load_target
from harness.vocabulary import ACKNOWLEDGED, REFUSED

TARGET = load_target(Path(__file__).parents[2] / "scenarios" / "target.toml")
YES = Answer("", ACKNOWLEDGED, 200, b'{"status":"ready","dependencies":{"redis":{"ok":true}}}', 1.0)
NO = Answer("", REFUSED, 503, b"{}", 1.0)
DEAD = b'{"status":"degraded","dependencies":{"redis":{"ok":false,"error":"reset by its peer"}}}'
MET_A_DEAD_CONNECTION = Answer("", ACKNOWLEDGED, 200, DEAD, 1.0)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [((YES,), 1), ((NO, YES), 2), ((MET_A_DEAD_CONNECTION, MET_A_DEAD_CONNECTION, YES), 3)],
    ids=["ready", "not yet", "two connections are dead"],
)
def test_it_is_asked_until_it_is_ready_and_names_nobody(answers: Sequence[Answer], asked: int) -> None:
    sent: list[Answer] = []

    async def send(*_: Any) -> Answer:
        sent.append(answers[min(len(sent), len(answers) - 1)])
        return sent[-1]

    clients = SimpleNamespace(send=send, deliveries=SimpleNamespace(seed="a seed"))
    site = SimpleNamespace(service=SimpleNamespace(running=True))
    sampling = HealthSampling(cast("Rig", SimpleNamespace(target=TARGET, clients=clients, site=site)))
    asyncio.run(sampling.until_ready())
    assert len(sent) == asked
