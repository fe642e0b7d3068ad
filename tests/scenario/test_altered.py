"""What a stranger may have: a request that was accepted. And what one must not be told: how a request is signed."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from harness.engine.known_secrets import KnownSecrets
from harness.engine.workload.clients import Clients, Errand
from harness.engine.workload.deliveries import of_one_size
from harness.history import Recorder
from harness.history.events import Asks, Purpose
from harness.stack.http.client import HttpClient
from harness.stack.http.exchange import Response
from harness.stack.service.service import ServiceProcess
from harness.target import Delivery, OutgoingRequest, Target, load_target

TARGET = load_target(Path(__file__).parents[2] / "scenarios" / "target.toml")
FIRST, SECOND = Delivery("msg_a", "harness", b'{"a": "x"}'), Delivery("msg_b", "harness", b'{"a": "x"}')
SIGNATURE = "v1,c2lnbmF0dXJlIG9mIGEgYm9keQ=="
NO = b'{"error":"unavailable","detail":"The service is overloaded."}'


class Numbering:
    """Signs all alike, and numbers what it signs."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def settings(self) -> dict[str, str]:
        return {}

    def request(self, delivery: Delivery, *, age_s: float = 0.0) -> OutgoingRequest:
        del age_s
        headers = {"number": str(next(self._numbers)), "webhook-signature": SIGNATURE}
        return OutgoingRequest("POST", "/webhooks/harness", headers, delivery.body)


def clients_of(target: Target, request: Callable[..., Awaitable[Response]]) -> Clients:
    """Clients whose requests are answered so."""
    service = SimpleNamespace(clock_ahead_s=0.0, port=1, next_port=lambda: 1, dates=[])
    return Clients(
        target=target, service=cast("ServiceProcess", service),
        http=cast("HttpClient", SimpleNamespace(request=request)), recorder=Recorder(), patience_s=10,
        deliveries=of_one_size("a seed"), secrets=KnownSecrets(target.description.secrets),
    )  # fmt: skip


def sent(*asked: tuple[Delivery, Errand, int]) -> list[OutgoingRequest]:
    """Send these to a service that answers with these statuses; give what came there."""
    came: list[OutgoingRequest] = []
    statuses = [status for _, _, status in asked]

    async def request(port: int, going: OutgoingRequest, *, connected: object) -> Response:
        del port, connected
        came.append(going)
        return Response(statuses[len(came) - 1], NO)

    clients = clients_of(dataclasses.replace(TARGET, sender=Numbering()), request)

    async def send() -> None:
        for delivery, errand, _ in asked:
            await clients.send(delivery, errand)

    asyncio.run(send())
    return came


DELIVER = Errand(purpose=Purpose.SCENARIO)
ALTERED = Errand(purpose=Purpose.SCENARIO, asks=Asks.WRONG, name="altered")


def test_it_has_the_headers_of_what_was_accepted_last_under_its_id() -> None:
    came = sent((FIRST, DELIVER, 200), (FIRST, DELIVER, 200), (SECOND, DELIVER, 200), (FIRST, ALTERED, 401))
    assert [each.headers["number"] for each in came] == ["1", "2", "3", "2"]
    assert came[3].body != came[1].body


def test_what_was_refused_was_not_accepted() -> None:
    came = sent((FIRST, DELIVER, 503), (FIRST, ALTERED, 401))
    assert [each.headers["number"] for each in came] == ["1", "2"]


def test_the_signature_that_a_forged_request_should_have_had_is_a_secret() -> None:
    clients = clients_of(dataclasses.replace(TARGET, sender=Numbering()), answered_401)
    asyncio.run(clients.send(FIRST, dataclasses.replace(ALTERED, name="forged")))
    (shown,) = clients.secrets.shown_in(f'"detail": "expected {SIGNATURE}"', "an answer")
    assert shown.what == "the header webhook-signature"


async def answered_401(port: int, going: OutgoingRequest, *, connected: object) -> Response:
    del port, going, connected
    return Response(401, NO)
