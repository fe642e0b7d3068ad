"""How long a client waits for its answer, and what it finds out meanwhile."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

import pytest

from harness.engine.observing.service.looks import SharedLooks
from harness.engine.workload import clients as module
from harness.engine.workload.clients import Clients, Errand
from harness.history.events import Named, Purpose, RequestEnded
from harness.stack.http.exchange import Response
from harness.target import Delivery, OutgoingRequest
from harness.vocabulary import UNKNOWN
from tests.scenario.test_altered import TARGET, Numbering, clients_of

DELIVERY = Delivery("msg_a", "harness", b'{"a": "x"}')
DELIVER = Errand(purpose=Purpose.SCENARIO)
OK = Response(200, b"{}")


class Looking:
    """Finds `postgres` each time; `begun` at the first. It never ends if it is to be `stuck`."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.begun = asyncio.Event()
        self.times = 0
        self._stuck = stuck

    async def __call__(self) -> tuple[str, ...]:
        self.times += 1
        self.begun.set()
        if self._stuck:
            await asyncio.Event().wait()
        return (f"postgres {self.times}",)


def asking(answers: Callable[[], Awaitable[object]], looking: Looking | None, *, patience_s: float = 60) -> Clients:
    """Clients whose service answers once `answers` returns."""

    async def request(port: int, going: OutgoingRequest, *, connected: object) -> Response:
        del port, going, connected
        await answers()
        return OK

    target = dataclasses.replace(TARGET, sender=Numbering())
    looks = None if looking is None else SharedLooks(looking)
    return dataclasses.replace(clients_of(target, request), looks=looks, patience_s=patience_s)


def ended(clients: Clients) -> RequestEnded:
    (found,) = clients.recorder.history.of(RequestEnded)
    return found


async def at_once() -> None:
    """Do not wait."""


async def never() -> None:
    await asyncio.Event().wait()


@pytest.mark.asyncio
async def test_a_quick_answer_is_not_looked_into() -> None:
    looking = Looking()
    clients = asking(at_once, looking)
    assert (await clients.send(DELIVERY, dataclasses.replace(DELIVER, patience_ms=60_000))).status == 200
    assert (looking.times, ended(clients).waiting_for, ended(clients).hung_up_at) == (0, (), None)


@pytest.mark.asyncio
async def test_what_a_slow_answer_waited_for_is_told_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AFTER_S", 0.0)
    looking = Looking()
    clients = asking(looking.begun.wait, looking)
    assert (await clients.send(DELIVERY, DELIVER)).status == 200
    assert ended(clients).waiting_for == ("postgres 1",)


@pytest.mark.asyncio
async def test_an_answer_does_not_wait_for_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AFTER_S", 0.0)
    looking = Looking(stuck=True)
    clients = asking(looking.begun.wait, looking)
    assert (await clients.send(DELIVERY, DELIVER)).status == 200
    assert ended(clients).waiting_for == ()
    assert clients.looks is not None
    await clients.looks.close()


@pytest.mark.asyncio
async def test_clients_that_do_not_look_wait_as_long_as_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AFTER_S", 0.0)
    turns = iter(range(5))

    async def after_some_turns() -> None:
        for _ in turns:
            await asyncio.sleep(0)

    clients = asking(after_some_turns, None)
    answer = await clients.send(DELIVERY, DELIVER)
    assert (answer.status, answer.problem) == (200, None)


@pytest.mark.asyncio
async def test_who_gives_up_looks_a_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AFTER_S", 0.0)
    clients = asking(never, Looking(), patience_s=0.05)
    answer = await clients.send(DELIVERY, DELIVER)
    assert (answer.status, answer.problem) == (None, "no answer in 0.1 s")
    assert (ended(clients).waiting_for, ended(clients).hung_up_at) == (("postgres 2",), None)


@pytest.mark.asyncio
async def test_a_client_out_of_patience_hangs_up_and_looks_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AFTER_S", 0.0)
    clients = asking(never, Looking())
    answer = await clients.send(DELIVERY, dataclasses.replace(DELIVER, patience_ms=50))
    assert (answer.status, answer.problem) == (None, "no answer in 0.1 s")
    assert (ended(clients).waiting_for, ended(clients).hung_up_at) == (
        ("postgres 1",),
        Named("its client's patience was over"),
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("errand", "waited"),
    [
        (DELIVER, "0.2"),
        (dataclasses.replace(DELIVER, within_s=0.3), "0.3"),
        (dataclasses.replace(DELIVER, patience_ms=100), "0.1"),
        (dataclasses.replace(DELIVER, patience_ms=300), "0.2"),
    ],
)
async def test_how_long_is_waited(errand: Errand, waited: str) -> None:
    answer = await asking(never, None, patience_s=0.2).send(DELIVERY, errand)
    assert (answer.outcome, answer.problem) == (UNKNOWN, f"no answer in {waited} s")
