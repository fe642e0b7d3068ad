"""The harness's side of the relay's control connection: it makes hops, arms rules and receives reports."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.protocols.contract.frames import Direction
from harness.relay.connection.notes import TlsMode
from harness.relay.control.reports import Fired, Report, Seen
from harness.relay.control.tries import Tally
from harness.relay.hop.handshakes import How
from harness.relay.hop.losses import Loss, Lost
from harness.relay.rules.rule import Rule
from harness.vocabulary.value import Json

T = TypeVar("T")

LINE_BYTES_MAX = 64 * 1024 * 1024  # of the relay's answers: one report or one message each
ANSWER_WITHIN_S = 30.0  # far more time than the relay needs; a stopped relay must not hang a run


@dataclass(frozen=True, slots=True)
class Hop:
    """A listener of the relay, on 127.0.0.1."""

    name: str
    port: int

    @property
    def address(self) -> HostPort:
        """The address to which the service connects."""
        return HostPort("127.0.0.1", self.port)


@dataclass(frozen=True, slots=True)
class KindOfMessage:
    """Messages of one kind.

    `word`: the first word of their text, such as INSERT; `runs`: whether each is a statement.
    """

    direction: Direction
    message: str
    word: str
    runs: bool
    count: int


@dataclass(slots=True)
class _Asked:
    """A request that is not answered yet."""

    answer: asyncio.Future[Any]
    items: list[Any] = field(default_factory=list)


class RelayControl:
    """A control connection: an async context manager, bound to the event loop that enters it.

    It owns the hops and rules that it makes: they end with it, and so does every connection of the hops. Every method
    raises HarnessError if the relay has ended or does not answer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._armed: set[str] = set()
        self._reports: list[Report] = []
        self._callbacks: list[Callable[[Report], None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            reader, self._writer = await asyncio.open_unix_connection(str(self._path), limit=LINE_BYTES_MAX)
        except OSError as error:
            raise HarnessError(f"the relay does not answer at {self._path}: {error}", hint="see its log") from error
        self._reading = asyncio.create_task(self._read(reader), name="relay-reports")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection, and with it its hops and rules. Idempotent."""
        if self._writer is None or self._reading is None:
            return
        self._writer.close()
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        with contextlib.suppress(OSError):  # the relay may have closed it first, which is as good
            await self._writer.wait_closed()

    # ------------------------------------------------------------------ hops

    async def lay(
        self,
        name: str,
        *,
        protocol: str,
        upstream: HostPort | None,
        tls: TlsMode = "none",
        known_as: str | None = None,
    ) -> Hop:
        """Listen on a port of 127.0.0.1 and relay its connections to `upstream`.

        Without `upstream`, they wait until the hop gets a server. If the protocol is UNDECIDED, the first bytes of a
        connection show it, and a `Known` reports it.

        `known_as`: a host name that the certificate must contain.

        `tls`: speak TLS to the service even if the server does not, with a certificate that `certificate` verifies.
        With "required", a client without TLS is refused, and its `Ended` has the reason. Raises UsageError for a name
        that is taken, an unknown protocol, and TLS that is offered although clients cannot ask for it.
        """
        host, port = (None, None) if upstream is None else upstream
        answer = await self._ask("lay", name=name, protocol=protocol, host=host, port=port, tls=tls, known_as=known_as)
        return Hop(name, answer)

    async def refuse(self, hop: str, refusing: bool) -> None:
        """Let the hop's port refuse connections, or accept them again. Open connections stay."""
        await self._ask("refuse", hop=hop, refusing=refusing)

    async def lead(self, hop: str, upstream: HostPort) -> None:
        """Relay new connections of the hop to another server. Open connections stay."""
        await self._ask("lead", hop=hop, host=upstream.host, port=upstream.port)

    async def cut_all(self, hop: str) -> int:
        """Close every connection of the hop; return how many. Each leaves an Ended by "rule"."""
        return int(await self._ask("cut_all", hop=hop))

    async def trouble_handshakes(self, hop: str, how: How | None) -> tuple[int, int]:
        """Make the hop's TLS handshakes with the service fail, or stop this; a stalled handshake is ended.

        Returns how many had the earlier trouble, and how many of these failed.
        """
        met, failed = await self._ask("handshakes", hop=hop, how=how)
        return met, failed

    async def troubled(self, hop: str) -> tuple[int, int]:
        """How many handshakes had the trouble so far, and how many of these failed."""
        met, failed = await self._ask("troubled", hop=hop)
        return met, failed

    async def lose(self, hop: str, loss_id: str, loss: Loss) -> None:
        """Make the relay's kernel drop segments of the hop until `restore`.

        Raises UsageError for an id that is taken, HarnessError if the kernel accepts no filter.
        """
        await self._ask("lose", hop=hop, loss=loss_id, what=loss.to_json())

    async def lost(self, hop: str, loss_id: str) -> Lost:
        """The losses so far."""
        return Lost.from_json(await self._ask("lost", hop=hop, loss=loss_id))

    async def restore(self, hop: str, loss_id: str, *, gone: Collection[int]) -> Lost:
        """Stop dropping; return the losses.

        `gone`: the service's ports of connections that it has closed. Its FIN may have been lost, so the relay ends
        them.
        """
        return Lost.from_json(await self._ask("restore", hop=hop, loss=loss_id, gone=list[Json](gone)))

    async def traffic(self, hop: str) -> Mapping[int, tuple[int, int]]:
        """Return the bytes that the service and the server have sent on each open connection.

        The keys are the service's local ports. They are counted as in `Ended`.
        """
        return {port: (sent, answered) for port, sent, answered in await self._ask("traffic", hop=hop)}

    async def certificate(self) -> bytes:
        """Return the certificate of the relay's authority, in PEM: a client that verifies must trust it."""
        return str(await self._ask("certificate")).encode()

    # ------------------------------------------------------------------ rules

    async def arm(self, rule: Rule) -> None:
        """Put a rule in force, after the rules that are armed already. An equal armed rule stays unchanged.

        Raises UsageError for another rule's id, an unknown hop, and an error's code that the hop's protocol does not
        know.
        """
        await self._ask("arm", rule=rule.to_json())
        self._armed.add(rule.id)

    async def disarm(self, rule_id: str) -> None:
        """Take a rule out of force, and forward the bytes that it holds, in order. Does nothing if it is not armed."""
        await self._ask("disarm", rule=rule_id)
        self._armed.discard(rule_id)

    @property
    def armed(self) -> frozenset[str]:
        """The ids of this control connection's armed rules."""
        return frozenset(self._armed)

    def is_armed(self, rule_id: str) -> bool:
        """Whether this control connection has that rule armed."""
        return rule_id in self._armed

    async def release(self, rule_id: str, *, connection: int | None = None, count: int | None = None) -> int:
        """Forward the units that the rule holds; return how many. The rule stays in force.

        `connection`: only on the connection with this number on its hop (`Fired.connection`). `count`: at most this
        many units, the oldest first.
        """
        return int(await self._ask("release", rule=rule_id, connection=connection, count=count))

    async def fired(self, rule_id: str) -> Sequence[Fired]:
        """Return every firing of the rule before this moment."""
        await self.sync()
        return [report for report in self._reports if isinstance(report, Fired) and report.rule == rule_id]

    async def near_misses(self, rule_id: str) -> Sequence[str]:
        """Describe messages of the hop that nearly fit the rule, and why they do not, closest first."""
        return [str(line) for line in await self._ask("near_misses", rule=rule_id)]

    # ------------------------------------------------------------------ reports

    async def sync(self) -> None:
        """Wait for every report about what has happened so far: reports and answers arrive in order."""
        await self._ask("sync")

    def reports(self, since: int = 0) -> Sequence[Report]:
        """Return the reports received so far, in order, from index `since` on."""
        return self._reports[since:]

    def on_report(self, callback: Callable[[Report], None]) -> Callable[[], None]:
        """Call back, in the loop, for each report from now on. Return a function that ends this."""
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return unsubscribe

    async def next_report(
        self, predicate: Callable[[Report], bool], timeout_s: float, *, since: int | None = None
    ) -> Report:
        """Return the first future report that fits; with `since`, the first from that index on.

        Raises TimeoutError, and HarnessError if the relay ends before that.
        """
        for report in self._reports if since is None else self._reports[since:]:
            if since is not None and predicate(report):
                return report
        found: asyncio.Future[Report] = asyncio.get_running_loop().create_future()

        def look(report: Report) -> None:
            if not found.done() and predicate(report):
                found.set_result(report)

        unsubscribe = self.on_report(look)
        try:
            return await self._while_connected(found, timeout_s)
        finally:
            unsubscribe()

    # ------------------------------------------------------------------ what passed by

    async def seen(self, hop: str, since_ns: int = 0) -> Sequence[Seen]:
        """Return the statements and ends of answers since `since_ns`, at most STATEMENTS_MAX of them.

        A longer `text` is cut after 2,000 characters; outside Latin-1 after fewer, but at least 500.
        """
        return _seen(await self._ask("seen", hop=hop, since_ns=since_ns))

    async def record(self, hop: str, recording: bool) -> None:
        """Start a new recording of every message of the hop, or stop it. The recording is kept."""
        await self._ask("record", hop=hop, recording=recording)

    async def recording(self, hop: str) -> Sequence[Seen]:
        """Return the recorded messages, with their first bytes.

        Raises HarnessError if more passed than the relay keeps (64 MiB).
        """
        return _seen(await self._ask("recording", hop=hop))

    async def kinds(self, hop: str) -> Sequence[KindOfMessage]:
        """Return how many messages of each kind have passed."""
        return [KindOfMessage(*each) for each in await self._ask("kinds", hop=hop)]

    async def count_tries(self, hop: str, subjects: str, noted: str = "") -> None:
        """Start counting from zero how often each statement of the hop is sent for one subject.

        `subjects`: an expression that finds a request's subject, such as a delivery's id, in its statements. `noted`:
        an expression for subjects that are only noted, not counted; empty: none.
        """
        await self._ask("count_tries", hop=hop, subjects=subjects, noted=noted)

    async def tries(self, hop: str) -> Tally:
        """Return the counts since `count_tries`."""
        return Tally.from_json(await self._ask("tries", hop=hop))

    # ------------------------------------------------------------------ inside

    async def _ask(self, verb: str, **arguments: Json) -> Any:
        if self._writer is None:
            raise HarnessError("the control connection is not open", hint="use it inside `async with relay.control()`")
        number = next(self._numbers)
        asked = self._asked[number] = _Asked(asyncio.get_running_loop().create_future())
        try:
            self._writer.write(json.dumps({"id": number, "do": verb, **arguments}).encode() + b"\n")
            return await self._while_connected(asked.answer, ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise HarnessError(f"the relay did not answer {verb!r} in {ANSWER_WITHIN_S:g} s") from error
        finally:
            del self._asked[number]

    async def _while_connected(self, wanted: asyncio.Future[T], timeout_s: float) -> T:
        if self._reading is None:
            raise HarnessError("the control connection is not open")
        either: set[asyncio.Future[Any]] = {wanted, self._reading}
        await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if wanted.done():
            return wanted.result()
        wanted.cancel()
        if self._reading.done():
            cause = None if self._reading.cancelled() else self._reading.exception()
            raise HarnessError("the relay ended its control connection", hint="see its log") from cause
        raise TimeoutError(f"no such report in {timeout_s:g} s")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await _next_line(reader):
            message = json.loads(line)
            if "report" in message:
                self._take(Report.from_json(message["report"]))
            elif (asked := self._asked.get(message["id"])) is not None and not asked.answer.done():
                _answer(asked, message)

    def _take(self, report: Report) -> None:
        self._reports.append(report)
        for callback in list(self._callbacks):
            callback(report)


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ConnectionError:  # the relay was killed: pending requests fail with the same error as at any other end
        return b""


def _answer(asked: _Asked, message: Mapping[str, Any]) -> None:
    if "item" in message:
        asked.items.append(message["item"])
    elif "error" in message:
        told = message["error"]
        kind = UsageError if told["usage"] else HarnessError
        asked.answer.set_exception(kind(told["message"], hint=told["hint"]))
    elif message.get("items"):
        asked.answer.set_result(asked.items)
    else:
        asked.answer.set_result(message["done"])


def _seen(items: Sequence[Json]) -> list[Seen]:
    reports = [Report.from_json(item) for item in items]
    return [report for report in reports if isinstance(report, Seen)]
