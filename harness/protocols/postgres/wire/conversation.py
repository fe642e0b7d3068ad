"""A PostgreSQL connection: statements, portals, phases, and the request of each answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import GARBAGE, Direction, Frame
from harness.protocols.contract.message import Message, Phase, Unfinished
from harness.protocols.postgres.wire import messages as bodies
from harness.protocols.postgres.wire.answers import COPY_ENDED, FITS, DueAnswers, Step
from harness.protocols.postgres.wire.failing import SIMPLE, Failing
from harness.protocols.postgres.wire.framing import AnsweredFramer, Handshake, SentFramer
from harness.protocols.postgres.wire.remembered import Remembered

__all__ = ["PostgresConversation"]

BEFORE_AUTHENTICATION: Final = frozenset(
    {"StartupMessage", "SSLRequest", "GSSENCRequest", "CancelRequest", "SSLAnswer", "GSSENCAnswer"}
)
ASYNCHRONOUS: Final = frozenset({"NotificationResponse", "ParameterStatus", "NoticeResponse"})


class Statement(NamedTuple):
    """SQL with the phase that it belongs to."""

    text: str
    phase: Phase


class Portal(NamedTuple):
    """A statement with its parameters."""

    statement: Statement
    values: tuple[bytes, ...]


NOTHING: Final = Portal(Statement("", "query"), ())


class PostgresConversation:
    """Reads one connection, from its first byte."""

    __slots__ = (
        "_commits", "_count", "_due", "_failing", "_latest", "_open", "_phase", "_portals", "_readers", "_ready",
        "_statements", "framers",
    )  # fmt: skip

    framers: Mapping[Direction, SentFramer | AnsweredFramer]

    def __init__(self) -> None:
        handshake = Handshake()
        self.framers = {"sent": SentFramer(handshake), "answered": AnsweredFramer(handshake)}
        self._statements: Remembered[Statement] = Remembered()
        self._portals: Remembered[Portal] = Remembered()
        self._due = DueAnswers()
        self._failing = Failing()
        self._phase: Phase = "startup"  # until the first ReadyForQuery
        self._ready = False
        self._count = 0  # exchanges begun
        self._open = 0  # the exchange that has no Sync yet; 0: none
        self._commits = False  # whether a statement of the open exchange ends a transaction
        self._latest = NOTHING  # what the open exchange named last
        self._readers: Mapping[str, Callable[[Frame], Message]] = {
            "Query": self._query,
            "Parse": self._parse,
            "Bind": self._bind,
            "Describe": self._describe,
            "Execute": self._execute,
            "Close": self._describe,
            "Sync": self._sync,
            "FunctionCall": self._call,
            "CopyData": self._copy,
            "CopyDone": self._copy,
            "CopyFail": self._copy,
        }

    def understand(self, direction: Direction, frame: Frame) -> Message:
        """Return what a frame means."""
        if direction == "answered":
            return self._answer(frame)
        reader = self._readers.get(frame.name)
        return self._aside("sent", frame) if reader is None else reader(frame)

    def unanswered(self, exchange: int) -> int:
        """How many earlier exchanges still wait for an answer, or for the rest of one."""
        return len({due for due in self._due.exchanges() if due < exchange})

    def withdraw(self, message: Message) -> bool:
        """Take back a sent message that never reached the server and will not be answered.

        Without its Sync an exchange continues, unless the next one has begun.
        """
        removed = self._due.remove(message.frame.offset)
        if removed and message.name == "Sync" and not self._open and message.exchange == self._count:
            self._open = message.exchange
        return message.name in SIMPLE

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Let the server raise the error itself, unless it is fatal."""
        return self._failing.failure(message, error)

    def outside(self, latest: Message | None) -> Unfinished:
        """Return the state of a connection's start, before its first statement."""
        if latest is None:
            return Unfinished("startup", "", "sent")
        if latest.phase in ("startup", "authentication") and latest.name not in ("ReadyForQuery", "CancelRequest"):
            return Unfinished(latest.phase, "", "sent" if _asks(latest) else "answered")
        return Unfinished("idle", "", None)

    # What the service sends.

    def _query(self, frame: Frame) -> Message:
        text = bodies.queried(frame.head)
        portal = Portal(Statement(text, _phase_of(text)), ())
        return self._alone(frame, portal)

    def _parse(self, frame: Frame) -> Message:
        name, text = bodies.parsed(frame.head)
        statement = Statement(text, _phase_of(text))
        self._statements.put(name, statement, sys.getsizeof(name) + sys.getsizeof(text))
        message = self._step(frame, Portal(statement, ()))
        self._failing.count(message)
        return message

    def _bind(self, frame: Frame) -> Message:
        bound = bodies.bound(frame.head)
        portal = Portal(self._statements.use(bound.statement) or NOTHING.statement, bound.values)
        self._portals.put(bound.portal, portal, sys.getsizeof(bound.portal) + _size_of(portal))
        message = self._step(frame, portal)
        self._failing.count(message)
        return message

    def _describe(self, frame: Frame) -> Message:
        kind, name = bodies.described(frame.head)
        if kind == "P":
            portal = self._portals.get(name) or NOTHING
        else:
            portal = Portal(self._statements.get(name) or NOTHING.statement, ())
        return self._step(frame, portal._replace(values=()))

    def _execute(self, frame: Frame) -> Message:
        return self._step(frame, self._portals.get(bodies.executed(frame.head)) or NOTHING, runs=True)

    def _call(self, frame: Frame) -> Message:
        portal = Portal(Statement(bodies.function_called(frame.head), "query"), ())
        return self._alone(frame, portal)

    def _sync(self, frame: Frame) -> Message:
        exchange = self._begin()
        phase: Phase = "commit" if self._commits else "query"
        if self._due.copying is None:
            latest = self._latest
            self._due.add(Step("Sync", frame.offset, exchange, latest.statement.text, latest.values, phase))
            self._open = 0
        return Message(frame, "sent", "Sync", phase, "", (), False, exchange, False)

    def _copy(self, frame: Frame) -> Message:
        step = self._due.copying or self._due.last
        if step is None:  # the COPY has failed: the server drops the rest of the data
            return self._aside("sent", frame)
        if frame.name != "CopyData":
            if step.takes_copy:
                step.takes_copy = False
            else:
                self._due.add(Step(COPY_ENDED, frame.offset, step.exchange, "", (), step.phase))
        return Message(frame, "sent", frame.name, step.phase, step.text, (), False, step.exchange, False)

    def _alone(self, frame: Frame, portal: Portal) -> Message:
        """Add a message that ends its exchange without a Sync, unless the server skips it."""
        message = self._step(frame, portal, runs=True)
        if not self._due.skipping:
            self._open = 0
        return message

    def _begin(self) -> int:
        """Return the open exchange; begin one if none is open."""
        if not self._open:
            self._count += 1
            self._open = self._count
            self._commits = False
            self._latest = NOTHING
        return self._open

    def _step(self, frame: Frame, portal: Portal, *, runs: bool = False) -> Message:
        exchange = self._begin()
        (text, phase), values = portal
        self._latest = portal
        if phase == "commit":
            self._commits = True
        self._due.add(Step(frame.name, frame.offset, exchange, text, values, phase))
        return Message(frame, "sent", frame.name, phase, text, values, runs, exchange, False)

    # What the server answers.

    def _answer(self, frame: Frame) -> Message:
        name = frame.name
        if not self._ready:
            return self._greeting(frame)
        if name == "ErrorResponse":
            return self._error(frame)
        if name not in FITS:
            return self._aside("answered", frame)
        step, ends = self._due.answered(name)
        if step is None:
            return self._aside("answered", frame)
        if name == "CopyInResponse":
            self._open = self._due.copy_began(step) or self._open
        ends = ends and name == "ReadyForQuery"
        return Message(frame, "answered", name, step.phase, step.text, step.values, False, step.exchange, ends)

    def _greeting(self, frame: Frame) -> Message:
        message = self._aside("answered", frame)
        if frame.name == "AuthenticationOk":
            self._phase = "startup"
        elif frame.name == "ReadyForQuery":
            self._ready = True
        elif frame.name == "NegotiateProtocolVersion":
            message.phase = "startup"
        return message

    def _error(self, frame: Frame) -> Message:
        step = self._due.failed()
        last = bodies.is_last_word(frame.head)
        if step is None:
            return self._aside("answered", frame)
        if last:
            self._due.clear()
        elif self._due.skipping and not self._open:
            self._open = step.exchange
        return Message(
            frame, "answered", frame.name, step.phase, step.text, step.values, False, step.exchange, ends_answer=last
        )

    def _aside(self, direction: Direction, frame: Frame) -> Message:
        """Return a message that belongs to no answer."""
        name = frame.name
        exchange = self._open if direction == "sent" and name == "Flush" else 0
        message = Message(frame, direction, name, self._phase_now(name), "", (), False, exchange, False)
        if name == "StartupMessage":
            self._phase = "authentication"
        return message

    def _phase_now(self, name: str) -> Phase:
        if name in BEFORE_AUTHENTICATION:
            return "startup"
        if not self._ready:
            return self._phase
        step = self._due.next
        if step is not None:
            return step.phase
        return "query" if self._open and name not in ASYNCHRONOUS and name != GARBAGE else "idle"


def _phase_of(text: str) -> Phase:
    return "commit" if bodies.commits(text) else "query"


def _asks(message: Message) -> bool:
    """Whether the service has to send next while a connection starts."""
    if message.direction == "sent":
        return False
    name = message.name
    asks = name.startswith("Authentication") and name not in ("AuthenticationOk", "AuthenticationSASLFinal")
    return asks or name in ("SSLAnswer", "GSSENCAnswer")


def _size_of(portal: Portal) -> int:
    """Return its size in bytes, including its statement's text, because this may be the only copy."""
    (text, _), values = portal
    return sys.getsizeof(text) + sys.getsizeof(values) + sum(map(sys.getsizeof, values))
