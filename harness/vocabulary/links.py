"""The service's links to its servers, and the moments and figures that they give.

A link speaks a protocol: its class is in the protocol's folder, and lists the names of its messages. A link's default
name is its protocol's name. For a service with two databases a scenario creates `Postgres("orders")`.
"""

from __future__ import annotations

import dataclasses
import re
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final, Self

from harness.errors import UsageError
from harness.protocols.registry import Facet
from harness.vocabulary.figures import Figure
from harness.vocabulary.messages import Direction, Phase, ProtocolMessages
from harness.vocabulary.moments import REACHED_AT_ONCE, Moment
from harness.vocabulary.refusals import an_expression, at_least_one
from harness.vocabulary.value import Value, given_fields, id_parts, safe_id, told_at

NAME = re.compile(r"[a-z][a-z0-9_.]*")


@dataclass(frozen=True, repr=False)
class Link(Value, ProtocolMessages):
    """The service's connections to one server, by the name that the target description gives the link.

    For example::

        ledger = Postgres("ledger")
        async with lab.inject(link.down(ledger)):
            await lab.deliver()

    A protocol makes a subclass, `LINK` in `harness/protocols/NAME/words.py`, with its own moments and the facts of
    `ProtocolMessages`.

    Args:
        name: the link's name in the target description (`[links.NAME]`).

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.protocol:
            classes = " or ".join(f"{kind.__name__}({self.name!r})" for kind in WORDS.all().values())
            raise UsageError.at("link", "name", self.name, "a link needs a protocol", mend=f"write {classes}")
        if not NAME.fullmatch(self.name):
            mend = "write a-z, then a-z 0-9 _ . as the target description does"
            raise UsageError.at(self.protocol, "name", self.name, "not a link's name", mend=mend)

    def __repr__(self) -> str:
        """The variable's name for a protocol's default link, otherwise the call that builds the link."""
        return self.name if self.name == self.protocol else f"{type(self).__name__}({self.name!r})"

    def __str__(self) -> str:
        """The link's name."""
        return self.name

    @property
    def shorthand(self) -> str:
        """One word of JSON: `postgres`, or `postgres:orders`."""
        return self.name if self.name == self.protocol else f"{self.protocol}:{self.name}"

    @classmethod
    def from_shorthand(cls, text: str, *, place: str) -> Self:
        """Read `shorthand` back. Raises UsageError for a protocol that does not exist or does not fit."""
        protocol, colon, name = text.partition(":")
        fitting = {known: kind for known, kind in WORDS.all().items() if issubclass(kind, cls)}
        if protocol not in fitting:
            raise UsageError.at(place, "link", text, "not a link that fits here", valid=_shorthands(name, fitting))
        with told_at(place):
            return fitting[protocol](name if colon else protocol)

    @classmethod
    def check_message(cls, place: str, message: Message) -> None:
        """Refuse a message or a phase that this protocol lacks, and a phase without the message name that it needs.

        Raises:
            UsageError: with the nearest valid name or phase.
        """
        if message.message is not None:
            cls.check_message_name(place, message.message, message.direction)
        cls.check_phase(place, message.phase, message.direction, named=message.message is not None)

    def sent(
        self,
        text: str = "",
        *,
        message: str | None = None,
        phase: Phase | None = None,
        having: str | None = None,
        connection: int | None = None,
        nth: int | None = None,
    ) -> Message:
        """The service sent a statement or command that begins with `text`; it has not been passed on yet.

        For example::

            async with lab.inject(wire.cut(postgres.sent("COMMIT", connection=2))):
                await lab.deliver(copies=2)

        Args:
            text: how the statement or command begins, as the protocol shows it: `"INSERT"`, `"SET webhook:"`. "": any.
            message: a single message of it by its name in the protocol, such as `"Bind"`. None: the one that has the
                statement carried out.
            phase: where the connection must stand: `"startup"`, `"authentication"`, `"query"`, `"commit"` (from the
                COMMIT to the end of its answer) or `"idle"`. None: anywhere. Not every protocol has all of them.
            having: one of its parameters or arguments contains this, or the id of the delivery that it names does; of
                COMMIT the one that its transaction named.
            connection: on this connection only, counted from 1, in the order in which connections first sent a
                matching message.
            nth: only this match, counted from 1 over all connections. None: each of them.

        Raises:
            UsageError: the protocol has no such message or phase (the error names the nearest one), or a number is
                less than 1.
        """
        name = self.whole if message is None else message
        return Sent(self, text, message=name, phase=phase, having=having, connection=connection, nth=nth)

    def answered(
        self,
        text: str = "",
        *,
        message: str | None = None,
        phase: Phase | None = None,
        having: str | None = None,
        connection: int | None = None,
        nth: int | None = None,
    ) -> Message:
        """The server carried such a statement or command out; its answer has not been passed on yet.

        For example::

            async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
                await lab.deliver()

        That is the whole answer, up to its last byte; with `message`, one message of it (`"CommandComplete"`).

        Args:
            text: how the statement or command begins, as the protocol shows it: `"INSERT"`, `"SET webhook:"`. "": any.
            message: a single message of it by its name in the protocol, such as `"DataRow"`. None: the whole answer.
            phase: where the connection must stand: `"startup"`, `"authentication"`, `"query"`, `"commit"` (from the
                COMMIT to the end of its answer) or `"idle"`. None: anywhere. Not every protocol has all of them.
            having: one of its parameters or arguments contains this, or the id of the delivery that it names does; of
                COMMIT the one that its transaction named.
            connection: on this connection only, counted from 1, in the order in which connections first sent a
                matching message.
            nth: only this match, counted from 1 over all connections. None: each of them.

        Raises:
            UsageError: the protocol has no such message or phase (the error names the nearest one), or a number is
                less than 1.
        """
        name = self.whole if message is None else message
        return Answered(self, text, message=name, phase=phase, having=having, connection=connection, nth=nth)

    @property
    def sends_per_request(self) -> Figure:
        """How often the service repeats itself: the count of its most frequent statement, for each request.

        For example::

            lab.expect(postgres.sends_per_request, at_most=3)

        The number is how often the service sent the statement or command that it sent most often on this link, divided
        by the number of the scenario's requests. If it sent nothing there is no such figure, and the run is
        inconclusive.
        """
        return SendsPerRequest(self)

    def connects_peak(self, *, within_ms: int) -> Figure:
        """The most connects to the server within any `within_ms`: whether connections come as a herd.

        For example::

            lab.expect(postgres.connects_peak(within_ms=100), at_most=5)

        It counts the service's calls of connect(2) that the kernel carried out; the harness sees them by
        seccomp_unotify(2). If the service did not connect, there is no such figure, and the run is inconclusive.

        Args:
            within_ms: the length of the window in milliseconds, 1 or more.

        Raises:
            UsageError: `within_ms` is less than 1.
        """
        return ConnectsPeak(self, within_ms=within_ms)

    def idle(self, at_least: int = 1) -> Moment:
        """At least that many of the service's connections are open and idle, by the server's count.

        For example::

            await lab.until(postgres.idle(at_least=2))

        The harness reads `pg_stat_activity` of PostgreSQL ("The Cumulative Statistics System" in its manual), and
        `CLIENT LIST` of Redis. If the moment does not come in time, the run is inconclusive.

        Args:
            at_least: how many, 1 or more.

        Raises:
            UsageError: `at_least` is less than 1.
        """
        return Idle(self, at_least)

    def logged(self, pattern: str) -> Moment:
        """The server's log has, since the last `inject` or `heal` began, a line that the expression finds.

        For example::

            await lab.until(postgres.logged("deadlock detected"))

        If the line does not come in time, the run is inconclusive.

        Args:
            pattern: a regular expression, searched in each line.

        Raises:
            UsageError: it is not a regular expression; or, when it is waited for, the server was given by URL, so that
                the harness cannot read its log.
        """
        return ServerLogged(self, pattern)


WORDS: Final[Facet[type[Link]]] = Facet("words", "LINK")
"""The link class of every protocol."""


def _shorthands(name: str, protocols: Iterable[str]) -> list[str]:
    return [f"{protocol}:{name}" if name else protocol for protocol in protocols]


class OfALink(Moment):
    """A moment that a method of a link returns. Its source is that call: `postgres.idle(at_least=2)`."""

    def __repr__(self) -> str:
        """The call that builds it."""
        link, *rest = (getattr(self, field.name) for field in dataclasses.fields(self))
        return f"{link!r}.{self.kind.partition('.')[2]}({', '.join(repr(item) for item in rest)})"

    @abstractmethod
    def words(self) -> str:
        """A clause that completes "Wait until ..."."""


@dataclass(frozen=True, repr=False)
class SendsPerRequest(Figure, kind="link.sends_per_request"):
    """See `Link.sends_per_request`."""

    link: Link

    def __repr__(self) -> str:
        """The attribute that gives it."""
        return f"{self.link!r}.sends_per_request"


@dataclass(frozen=True, repr=False)
class ConnectsPeak(Figure, kind="link.connects_peak"):
    """See `Link.connects_peak`."""

    link: Link
    within_ms: int = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "within_ms", self.within_ms, "nothing lies within it")

    def __repr__(self) -> str:
        """The call that builds it."""
        return f"{self.link!r}.connects_peak(within_ms={self.within_ms})"


@dataclass(frozen=True, repr=False)
class Message(Moment):
    """A message on a link: a wire fault strikes at it, and a scenario can wait for it.

    For example::

        commit = postgres.sent("COMMIT")
        async with lab.inject(wire.delay(commit, delay_ms=200)):
            await lab.deliver()

    Scenarios create one with `sent` or `answered` of a link, which explain the arguments. If a fault gets it as `at`,
    the relay holds the message until the fault has struck.
    """

    direction: ClassVar[Direction]
    link: Link
    text: str = ""
    message: str | None = field(default=None, kw_only=True)
    phase: Phase | None = field(default=None, kw_only=True)
    having: str | None = field(default=None, kw_only=True)
    connection: int | None = field(default=None, kw_only=True)
    nth: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        place = self._called
        self.link.check_message(place, self)
        for key, number in (("connection", self.connection), ("nth", self.nth)):
            if number is not None:
                at_least_one(place, key, number, "counts from 1")

    @property
    def _called(self) -> str:
        return f"{self.link}.{self.direction}"

    def __repr__(self) -> str:
        """The call that builds it."""
        words = [repr(self.text)] if self.text else []
        words += [f"{each.name}={given!r}" for each, given in given_fields(self) if each.kw_only]
        return f"{self.link!r}.{self.direction}({', '.join(words)})"

    def words(self) -> str:
        """The message in plain words: `the Bind of INSERT to postgres`, `the answer to COMMIT from postgres`."""
        kind, text, link = self.message, self.text, self.link
        if self.direction == "sent":
            name = f"{kind} of {text}" if kind and text else kind or text or "next message"
            return f"the {name} to {link}"
        what = f"{kind} of the answer" if kind else "answer"
        return f"the {what} to {text} from {link}" if text else f"the {what} from {link}"

    def __str__(self) -> str:
        """An id: `postgres.sent-COMMIT`."""
        _, *words = id_parts(self)
        return safe_id("-".join([self._called, *words]))


@dataclass(frozen=True, repr=False)
class Sent(Message, kind="link.sent"):
    """See `Link.sent`."""

    direction: ClassVar[Direction] = "sent"


@dataclass(frozen=True, repr=False)
class Answered(Message, kind="link.answered"):
    """See `Link.answered`."""

    direction: ClassVar[Direction] = "answered"


@dataclass(frozen=True, repr=False)
class Idle(OfALink, kind="link.idle"):
    """See `Link.idle`."""

    link: Link
    at_least: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "at_least", self.at_least, REACHED_AT_ONCE)

    def words(self) -> str:
        """`postgres has at least 2 idle connections`."""
        return f"{self.link} has at least {self.at_least} idle connections"


@dataclass(frozen=True, repr=False)
class ServerLogged(OfALink, kind="link.logged"):
    """See `Link.logged`."""

    link: Link
    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        an_expression(self.kind, "pattern", self.pattern)

    def words(self) -> str:
        """`the log of postgres has a line that matches 'deadlock'`."""
        return f"the log of {self.link} has a line that matches {self.pattern!r}"
