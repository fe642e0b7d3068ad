"""The clients: they sign and send deliveries, many at once, and label how each request ended."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from harness.engine import payloads
from harness.engine.observing.looks import SharedLooks
from harness.history import Recorder
from harness.history.events import Purpose, RequestEnded, RequestSent
from harness.stack.http import service_client
from harness.stack.service import ServiceProcess
from harness.target import Delivery, Target
from harness.vocabulary import REFUSED, UNKNOWN, Outcome

SOURCE = "harness"
ANSWER_CHARACTERS_KEPT = 1_000
LOOK_AFTER_S = 0.2
"""A request that is still open after this long is looked into: what does the service wait for?"""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request ended, as a scenario may look at it."""

    delivery_id: str
    outcome: Outcome
    status: int | None
    body: bytes
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Why a request is sent, and what its step expects of it."""

    purpose: Purpose
    expected: Outcome | None = None
    slower_ms_max: float | None = None
    hang_up: Callable[[], Awaitable[None]] | None = None
    """Returns when the client is to hang up."""


@dataclass(slots=True)
class _Ending:
    outcome: Outcome
    status: int | None = None
    body: bytes = b""
    problem: str | None = None
    waiting_for: tuple[str, ...] = field(default=())
    at_ns: int = field(default_factory=time.monotonic_ns)
    """When it was known: what the harness does afterwards takes none of the request's time."""


class Clients:
    """All clients of one run. Each request has a connection of its own, so that none disturbs another."""

    def __init__(
        self,
        target: Target,
        service: ServiceProcess,
        recorder: Recorder,
        *,
        seed: str,
        patience_s: float,
        waiting_for: Callable[[], Awaitable[tuple[str, ...]]],
    ) -> None:
        self._target = target
        self._service = service
        self._recorder = recorder
        self._rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
        self._prefix = hashlib.blake2b(seed.encode(), digest_size=6).hexdigest()
        self._patience_s = patience_s
        self._looks = SharedLooks(waiting_for)
        self._sent = 0
        self._made = 0
        self.sent: dict[str, Delivery] = {}
        """Every delivery that was sent, by its id."""
        # Patience bounds every request, and says what was waited for.
        self._http = service_client(
            timeout=None, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._looks.close()
        finally:
            await self._http.aclose()

    def name_at(self, index: int) -> tuple[str, str]:
        """Source and id of the delivery with this index, sent or still to come."""
        return SOURCE, f"msg_{self._prefix}_{index}"

    @property
    def made(self) -> int:
        """How many deliveries were made so far."""
        return self._made

    def delivery(self) -> Delivery:
        """Make the next delivery."""
        index = self._made
        self._made += 1
        body = payloads.body(self._rng, limit_bytes=self._target.description.limits.body_bytes, index=index)
        source, name = self.name_at(index)
        return Delivery(name, source, body)

    async def send(self, delivery: Delivery, errand: Errand) -> Answer:
        """Send one request and wait for its end; it ends after `patience_s` at the latest."""
        number = self._sent
        self._sent += 1
        self.sent[delivery.id] = delivery
        self._recorder.record(
            "client",
            RequestSent(
                number, delivery.id, delivery.digest, len(delivery.body), errand.purpose.value,
                errand.expected, errand.slower_ms_max,
            ),
        )  # fmt: skip
        began_ns = time.monotonic_ns()
        ending = await self._ending(delivery, errand)
        took_ms = (ending.at_ns - began_ns) / 1e6
        self._recorder.record(
            "client",
            RequestEnded(
                number, ending.outcome, round(took_ms, 3), ending.status, _kept(ending.body), ending.problem,
                ending.waiting_for,
            ),
        )  # fmt: skip
        return Answer(delivery.id, ending.outcome, ending.status, ending.body, took_ms)

    async def _ending(self, delivery: Delivery, errand: Errand) -> _Ending:
        request = asyncio.ensure_future(self._request(delivery))
        hang_up = asyncio.ensure_future(errand.hang_up()) if errand.hang_up else None
        both: set[asyncio.Future[Any]] = {request} if hang_up is None else {request, hang_up}
        try:
            return await self._first(request, both)
        finally:
            for task in both:
                task.cancel()
            # Not awaited one by one: a cancellation of this task could not be told from theirs.
            await asyncio.wait(both)

    async def _first(self, request: asyncio.Future[_Ending], both: set[asyncio.Future[Any]]) -> _Ending:
        first_s = min(LOOK_AFTER_S, self._patience_s)
        done, _ = await asyncio.wait(both, timeout=first_s, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return self._ended(request, done, ())
        # Beside the request: looking takes time, and an answer must not wait for it.
        look = self._looks.begin()
        done, _ = await asyncio.wait(both, timeout=self._patience_s - first_s, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return self._ended(request, done, look.result() if look.done() else ())
        ending = _Ending(UNKNOWN, problem=f"no answer in {self._patience_s:.1f} s")
        ending.waiting_for = await self._looks.begin() or await look
        return ending

    def _ended(
        self, request: asyncio.Future[_Ending], done: set[asyncio.Future[Any]], waiting_for: tuple[str, ...]
    ) -> _Ending:
        if request in done:
            ending = request.result()
        else:
            for hang_up in done:
                hang_up.result()
            ending = _Ending(UNKNOWN, problem="the client hung up")
        ending.waiting_for = waiting_for
        return ending

    async def _request(self, delivery: Delivery) -> _Ending:
        outgoing = self._target.sender.request(delivery)
        try:
            response = await self._http.request(
                outgoing.method,
                self._service.base_url + outgoing.path,
                headers=dict(outgoing.headers),
                content=outgoing.body,
            )
        except httpx.ConnectError as problem:
            # It never had a connection, so the service never had the delivery.
            return _Ending(REFUSED, problem=f"not connected: {problem!r}")
        except httpx.HTTPError as problem:
            return _Ending(UNKNOWN, problem=repr(problem))
        return _Ending(self._target.labels.label(response.status_code), response.status_code, response.content)


def _kept(body: bytes) -> str:
    """The answer as text; a long one is cut, and told apart from its like by its digest."""
    text = body.decode("utf-8", "backslashreplace")
    if len(text) <= ANSWER_CHARACTERS_KEPT:
        return text
    return text[:ANSWER_CHARACTERS_KEPT] + f"... (sha256 {hashlib.sha256(body).hexdigest()})"
