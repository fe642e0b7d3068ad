"""What the service says to have checked out; it may have ended, or hang, and other checks report that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from harness.engine.phases.rest import checked_out
from harness.engine.rig import Rig
from harness.history.events import AtRest
from harness.stack.http.client import BrokenOffError, NotConnectedError
from harness.stack.http.exchange import Response
from harness.target import load_target

TARGET = load_target(Path(__file__).parents[3] / "scenarios" / "target.toml")


def seen(answer: Response | Exception) -> list[AtRest]:
    async def get(port: int, path: str, *, within_s: float) -> Response:
        assert (port, path, within_s) == (4711, "/metrics", 5.0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    clients = SimpleNamespace(patience_s=5.0, http=SimpleNamespace(get=get))
    site = SimpleNamespace(service=SimpleNamespace(port=4711))
    return list(asyncio.run(checked_out(cast("Rig", SimpleNamespace(target=TARGET, site=site, clients=clients)))))


def test_it_is_what_its_metrics_say() -> None:
    assert seen(Response(200, b"webhook_pool_checked_out 3\n")) == [AtRest("checked_out", 3, 0)]


@pytest.mark.parametrize(
    "answer",
    [Response(503, b"webhook_pool_checked_out 3\n"), NotConnectedError("gone"), BrokenOffError("gone"), TimeoutError()],
)
def test_a_service_that_does_not_say_has_nothing_that_could_be_told(answer: Response | Exception) -> None:
    assert seen(answer) == []
