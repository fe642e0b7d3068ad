"""The clients: they send deliveries and reads, many at once, and label how each request ended."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import itertools
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from harness.engine.known_secrets import KnownSecrets
from harness.engine.observing.service.looks import SharedLooks
from harness.engine.tasks import owned
from harness.engine.workload.deliveries import Deliveries
from harness.engine.workload.documented import not_as_documented
from harness.engine.workload.given import given_by, gives_ids, with_given
from harness.engine.workload.outgoing import dated_ahead_s, misdated, outgoing, shown, told_away
from harness.engine.workload.versions import Versions
from harness.faults.clients.callers import Caller, Callers
from harness.history import Recorder
from harness.history.events import Asks, Named, Purpose, RequestEnded, RequestSent
from harness.stack.http.client import BrokenOffError, HttpClient, HungUpError, NotConnectedError
from harness.stack.service.service import ServiceProcess
from harness.target import Delivery, OutgoingRequest, Target
from harness.target.openapi import DocumentedAnswer
from harness.target.sections.outcomes import lacking, unsaid
from harness.target.sections.secrets import SecretsDescription
from harness.target.sender import words_of
from harness.vocabulary import ACKNOWLEDGED, CONFIRMED, REFUSED, REJECTED, UNKNOWN, Outcome, Value

ANSWER_CHARACTERS_KEPT = 1_000
LOOK_AFTER_S = 0.2
"""A request that is still open after this long is looked into: what does the service wait for?"""
HEADER_CHARACTERS_KEPT = 200
HEADERS_KEPT = 20
STORED_BODY = "the stored body"
SHOWING = (Asks.READ, Asks.READ_CHANGED)
HUNG_UP = "hung up in the middle of the request"
OUT_OF_PATIENCE = "its client's patience was over"


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request ended, as its client saw it.

    `await lab.deliver(n)` gives one for each request::

        answers = await lab.deliver(2, copies=2)
        assert all(answer.status == 200 for answer in answers)

    If a scenario looks at one, its schedule is `partial`: what it did next cannot be replayed without its Python.
    """

    delivery_id: str
    """The identity of the delivery; copies of one delivery share it."""
    outcome: Outcome
    """What the answer means to the sender. The target description maps answers to outcomes."""
    status: int | None
    """The HTTP status; None if no whole answer came."""
    body: bytes
    """The answer's body; empty if no whole answer came."""
    took_ms: float
    """The time from the sending to the answer, or until the client gave up, in milliseconds."""
    problem: str | None = None
    """Why no answer came."""
    broken_off: bool = False
    """Whether the connection ended before the answer."""
    headers: Sequence[tuple[str, str]] = ()
    """The answer's headers, their names in lower case."""

    def __str__(self) -> str:
        """The ending in words: `refused, status 503, after 0.01 s`."""
        what = f"status {self.status}" if self.status is not None else self.problem
        return f"{self.outcome}, {what}, after {self.took_ms / 1e3:.2f} s"

    @property
    def story(self) -> str:
        """The ending with the delivery's id and the beginning of the answer's body."""
        return f"{self.delivery_id} {self}: {self.body[:200].decode('utf-8', 'replace')}".rstrip(": \n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Why a request is sent, and what its step expects of it.

    `asks`, `name` and `owed`: see `RequestSent`. `callers`: the clients of its step, if a fault may end only those.
    `within_s`: the client gives up after this time; None: when the run's patience is over. `over`: the connections that
    it uses; None: those of the clients. `last`: it asks the service to end the connection. `load`, `attempt`,
    `patience_ms`: see `RequestSent`.
    """

    purpose: Purpose
    expected: Outcome | None = None
    slower_ms_max: float | None = None
    callers: Callers | None = None
    asks: Asks = Asks.DELIVER
    name: str = ""
    owed: Outcome | None = None
    within_s: float | None = None
    over: HttpClient | None = None
    last: bool = False
    load: int = 0
    attempt: int = 1
    patience_ms: float | None = None

    @property
    def reads(self) -> bool:
        """Whether an answer is judged as an answer to a read."""
        return self.asks in (Asks.READ, Asks.READ_UNSENT, Asks.READ_CHANGED, Asks.HEALTH)


def reading(purpose: Purpose, name: str, *, expected: Outcome | None = None) -> Errand:
    """The errand of reading a delivery, by the target's read `name`."""
    return Errand(purpose=purpose, expected=expected, asks=Asks.READ, name=name)


def _of_none(errand: Errand) -> Errand:
    """The same question about a delivery that is not there, to which any answer is right that says so."""
    return dataclasses.replace(errand, asks=Asks.READ_UNSENT, owed=None, expected=None)


@dataclass(slots=True)
class _Ending:
    outcome: Outcome
    status: int | None = None
    body: bytes = b""
    problem: str | None = None
    broken_off: bool = False
    hung_up_at: Value | None = None
    given_up: bool = False
    headers: Sequence[tuple[str, str]] = ()
    lacks: tuple[str, ...] = ()
    connection_lacks: tuple[str, ...] = ()
    paused_ms: float | None = None
    waiting_for: tuple[str, ...] = ()
    at_ns: int = field(default_factory=time.monotonic_ns)
    """When the ending was known. What the harness does after that is not part of the request's time."""


@dataclass(slots=True, kw_only=True)
class Clients:
    """All clients of one history: they send requests and record them there.

    `patience_s`: no request lasts longer. `callers`: where a fault finds the scenario's open requests. `looks`: finds
    out what the service waits for while a request is open; None: do not look. `dataclasses.replace(clients,
    recorder=another)` returns clients of another history, with the same connections and deliveries.
    """

    target: Target
    service: ServiceProcess
    http: HttpClient
    deliveries: Deliveries
    recorder: Recorder
    patience_s: float
    callers: Callers = field(default_factory=Callers)
    looks: SharedLooks | None = None
    secrets: KnownSecrets = field(default_factory=lambda: KnownSecrets(SecretsDescription()))
    """Secrets in requests so far, which the service must not show."""
    sent: dict[str, Delivery] = field(default_factory=dict)
    """Every sent delivery by its id, even if the history lacks it."""
    first_sent_s: dict[str, float] = field(default_factory=dict)
    """When each delivery was sent first, by this machine's wall clock."""
    accepted: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """The headers with which each plain delivery was confirmed last: an attacker may have recorded them."""
    given: dict[str, str] = field(default_factory=dict)
    """The id that the service gave to each delivery."""
    versions: Versions = field(default_factory=Versions)
    """The version of each delivery that an answer showed last."""
    answered: Counter[int] = field(default_factory=Counter)
    """How many answers came from each port, without those about health."""
    _numbers: Iterator[int] = field(default_factory=itertools.count, init=False)

    async def send(self, delivery: Delivery, errand: Errand) -> Answer:
        """Send one request and wait for its end. Raises UsageError for one that the target does not describe."""
        if errand.asks is Asks.READ and gives_ids(self.target) and delivery.name not in self.given:
            # No client can request it, so this requests another one, which does not exist.
            delivery, errand = dataclasses.replace(delivery, id=f"{delivery.id}-not-given"), _of_none(errand)
        delivery = self.as_given(delivery)
        request = outgoing(self.target, delivery, errand.asks, errand.name, ahead_s=self.service.clock_ahead_s)
        if errand.asks is Asks.WRONG and self.target.description.wrong[errand.name].altered:
            request = dataclasses.replace(request, headers=self.accepted.get(delivery.name, request.headers))
        if errand.last:
            request = dataclasses.replace(request, headers={**request.headers, "connection": "close"})
        self.secrets.sent(request)
        if errand.asks is Asks.WRONG and self.target.description.secrets.headers:
            # A client that learns the right value, such as a signature, could use it without knowing how to make it.
            self.secrets.sent(outgoing(self.target, delivery, Asks.DELIVER, "", ahead_s=self.service.clock_ahead_s))
        number = self._record_sent(delivery, errand)
        began_ns = time.monotonic_ns()
        ending = await self._calling(number, delivery, request, errand)
        if errand.asks is Asks.DELIVER and not errand.name and ending.outcome in CONFIRMED:
            self.accepted[delivery.name] = request.headers
        answer = Answer(
            delivery.id, ending.outcome, ending.status, ending.body, (ending.at_ns - began_ns) / 1e6, ending.problem,
            ending.broken_off, ending.headers,
        )  # fmt: skip
        # Health owes no sender a header.
        lacks = () if errand.asks is Asks.HEALTH else (*ending.lacks, *self._lacking_of_its_own(errand, answer))
        lacks = (*lacks, *ending.connection_lacks, *self._not_as_documented(request, errand, answer))
        self._record_ended(number, delivery, answer, errand, ending=dataclasses.replace(ending, lacks=lacks))
        return answer

    def as_given(self, delivery: Delivery) -> Delivery:
        """Return the delivery with its newest version, and the id that the service gave to it, or an unused one."""
        if self.target.description.sender.version is not None:
            delivery = dataclasses.replace(delivery, version=self.versions.of(delivery))
        return with_given(self.target, delivery, self.given)

    def _lacking_of_its_own(self, errand: Errand, answer: Answer) -> Sequence[str]:
        """The status and headers that a rejection lacks, if the target demands them for this wrong request."""
        if errand.asks is not Asks.WRONG or answer.outcome not in REJECTED or answer.status is None:
            return ()
        meant = self.target.description.wrong[errand.name]
        fits = not meant.status or {str(answer.status), f"{answer.status // 100}xx"} & {*meant.status}
        carried = lacking(meant.carries, answer.headers)
        return (*(() if fits else (f"status {' or '.join(meant.status)}",)), *carried)

    def _not_as_documented(self, request: OutgoingRequest, errand: Errand, answer: Answer) -> Sequence[str]:
        if answer.status is None:
            return ()
        told = DocumentedAnswer(answer.status, dict(answer.headers), answer.body)
        return not_as_documented(self.target, request, told, asks=errand.asks, name=errand.name, outcome=answer.outcome)

    def _unsaid_by_read(self, errand: Errand, outcome: Outcome, body: str, about: Mapping[str, str]) -> Sequence[str]:
        """What the target demands and a read that found a delivery does not say."""
        if errand.asks is not Asks.READ or outcome != ACKNOWLEDGED:
            return ()
        says = self.target.description.reads[errand.name].says
        return () if says is None else unsaid(says, body, about)

    def _nothing_shown(self, errand: Errand, answer: Answer, seen: str) -> Sequence[str]:
        """What a read that found a delivery does not show, although the target says that it does."""
        if errand.asks not in SHOWING or answer.outcome != ACKNOWLEDGED or seen:
            return ()
        return () if self.target.description.reads[errand.name].shows is None else (STORED_BODY,)

    def record_exchange(self, delivery: Delivery, errand: Errand, answer: Answer, *, t_ns: int | None = None) -> None:
        """Record a request that clients of another history have sent, and its answer, at that time (`t_ns`) or now."""
        self._record_ended(self._record_sent(delivery, errand, t_ns=t_ns), delivery, answer, errand)

    def _record_sent(self, delivery: Delivery, errand: Errand, *, t_ns: int | None = None) -> int:
        number = next(self._numbers)
        if errand.asks is Asks.DELIVER:
            self.sent[delivery.name] = delivery
            self.first_sent_s.setdefault(delivery.name, time.time())
        removes = errand.asks is Asks.CHANGE and self.target.description.changes[errand.name].removes
        digest = "" if removes else delivery.digest
        self.recorder.record(
            "client",
            RequestSent(
                number, "" if errand.asks is Asks.HEALTH else delivery.name, digest, len(delivery.body),
                errand.purpose.value, errand.expected, errand.slower_ms_max, errand.asks.value, errand.name,
                errand.owed, errand.load, errand.attempt, errand.patience_ms,
            ),
            t_ns=t_ns,
        )  # fmt: skip
        return number

    def _record_ended(
        self, number: int, delivery: Delivery, answer: Answer, errand: Errand, *, ending: _Ending | None = None
    ) -> None:
        """`ending`: what the answer does not say; None: there is no more."""
        known = ending or _Ending(answer.outcome)
        seen = shown(self.target, errand.name, answer.body) if errand.asks in SHOWING else ""
        given, ungiven = given_by(self.target, errand.asks, answer.outcome, answer.headers, answer.body)
        if given:
            self.given[delivery.name] = given
        about = (errand.asks, errand.name, answer.outcome)
        self.versions.learn(self.target, delivery, about, answer.headers, answer.body)
        lacks = (*known.lacks, *self._nothing_shown(errand, answer, seen), *ungiven)
        away = told_away(self.target, errand.name, answer.body) if errand.asks is Asks.HEALTH else ()
        self.recorder.record(
            "client",
            RequestEnded(
                number, answer.outcome, round(answer.took_ms, 3), answer.status, _kept(answer.body), answer.problem,
                known.waiting_for, _kept_headers(answer.headers), lacks, seen, known.hung_up_at,
                known.paused_ms, away, given,
            ),
        )  # fmt: skip

    async def _calling(self, number: int, delivery: Delivery, going: OutgoingRequest, errand: Errand) -> _Ending:
        """Send a request. During that, a fault may make a client of the scenario hang up."""
        caller = Caller(number)
        with ExitStack() as known:
            if errand.purpose is Purpose.SCENARIO:
                known.enter_context(self.callers.calling(caller))
            if errand.callers is not None:
                known.enter_context(errand.callers.calling(caller))
            try:
                ending = await self._ending(caller, delivery, going, errand)
            except BaseException:
                caller.over(hung_up=False)
                raise
            caller.over(hung_up=ending.hung_up_at is not None)
            return ending

    async def _ending(self, caller: Caller, delivery: Delivery, going: OutgoingRequest, errand: Errand) -> _Ending:
        request = asyncio.create_task(self._request(caller, delivery, going, errand))
        async with owned([request]):  # cancelled, it is over when its socket is closed
            ending = await self._first(request, caller, errand)
            if ending.given_up and errand.patience_ms is not None:
                ending.hung_up_at = Named(OUT_OF_PATIENCE)
            return ending

    def _within_s(self, errand: Errand) -> float:
        """How long the client waits for the answer."""
        if errand.patience_ms is not None:
            return min(self.patience_s, errand.patience_ms / 1e3)
        return self.patience_s if errand.within_s is None else errand.within_s

    async def _first(self, request: asyncio.Task[_Ending], caller: Caller, errand: Errand) -> _Ending:
        patience_s = self._within_s(errand)
        either: Sequence[asyncio.Future[Any]] = [request, caller.asked]
        first_s = patience_s if self.looks is None else min(LOOK_AFTER_S, patience_s)
        done, _ = await asyncio.wait(either, timeout=first_s, return_when=asyncio.FIRST_COMPLETED)
        if done or self.looks is None:
            return self._ended(request, caller, (), patience_s)
        # In parallel with the request: looking takes time, and an answer must not wait for it.
        look = self.looks.begin()
        rest_s = patience_s - first_s
        done, _ = await asyncio.wait(either, timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
        if done:
            return self._ended(request, caller, look.result() if look.done() else (), patience_s)
        ending = self._ended(request, caller, look.result() if look.done() else (), patience_s)
        if errand.patience_ms is not None:  # it hangs up in time
            return ending
        ending.waiting_for = await self.looks.begin() or await look
        return ending

    def _ended(
        self, request: asyncio.Task[_Ending], caller: Caller, waiting_for: tuple[str, ...], patience_s: float
    ) -> _Ending:
        if request.done():
            ending = request.result()
        elif caller.asked.done():
            at = caller.asked.result()
            ending = _Ending(UNKNOWN, problem=f"hung up at {at!r}", hung_up_at=at)
        else:
            ending = _Ending(UNKNOWN, problem=f"no answer in {patience_s:.1f} s", given_up=True)
        ending.waiting_for = waiting_for
        return ending

    async def _request(self, caller: Caller, delivery: Delivery, going: OutgoingRequest, errand: Errand) -> _Ending:
        def connected(port: int) -> None:
            caller.port = port

        # The first process is asked for its health: a sample at an unknown time must not change whose turn it is.
        asks_health = errand.asks is Asks.HEALTH
        port = self.service.port if asks_health else self.service.next_port()
        try:
            response = await (errand.over or self.http).request(port, going, connected=connected)
        except NotConnectedError as problem:
            # The client never had a connection, so the service never got the delivery.
            return _Ending(REFUSED, problem=f"not connected: {problem}")
        except BrokenOffError as problem:
            return _Ending(UNKNOWN, problem=str(problem), broken_off=True)
        except HungUpError:
            return _Ending(UNKNOWN, problem=HUNG_UP, hung_up_at=Named(HUNG_UP))
        self.answered[port] += not asks_health
        if self.service.clock_ahead_s:
            self.service.dates.extend(dated_ahead_s(response.headers))
        first = self.sent.get(delivery.name, delivery)
        about = {**words_of(delivery), "size": str(len(delivery.body)), "first_digest": first.digest}
        label = self.target.labels.label(
            response.status, response.headers, response.body, reads=errand.reads, words=about
        )
        first_s = math.inf if self.service.clock_ahead_s else self.first_sent_s.get(delivery.name, math.inf)
        lacks = (
            *label.lacks,
            *self._unsaid_by_read(errand, label.outcome, response.text, about),
            *misdated(label.dated, after_s=first_s, before_s=time.time()),
        )
        return _Ending(
            label.outcome, response.status, response.body, headers=response.headers, lacks=lacks,
            connection_lacks=response.lacks, paused_ms=round(response.paused_ms, 3) if response.over_kept else None,
        )  # fmt: skip


def _kept_headers(headers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{name}: {value[:HEADER_CHARACTERS_KEPT]}" for name, value in headers[:HEADERS_KEPT])


def _kept(body: bytes) -> str:
    """Return the answer as text. A long one is truncated, with a digest that distinguishes it from similar ones."""
    text = body.decode("utf-8", "backslashreplace")
    if len(text) <= ANSWER_CHARACTERS_KEPT:
        return text
    return text[:ANSWER_CHARACTERS_KEPT] + f"... (sha256 {hashlib.sha256(body).hexdigest()})"
