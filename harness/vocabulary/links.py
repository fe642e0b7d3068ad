"""The service, its ways to its servers, and the moments and figures that each of them gives.

`postgres`, `redis` and `service` are the names that the target description uses by default; a
service with two databases makes `Postgres("orders")` of its own.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Self

from harness.errors import UsageError
from harness.vocabulary.figures import Figure, Metric
from harness.vocabulary.messages import Direction, Phase, a_count, a_message_name, a_phase_of_the_unit
from harness.vocabulary.moments import REACHED_AT_ONCE, Answers, Moment, ServiceLogged
from harness.vocabulary.outcome import ANY_OUTCOME, Outcome
from harness.vocabulary.refusals import an_expression, at_least_one
from harness.vocabulary.value import Value, given_fields, id_parts, safe_id, told_at

NAME = re.compile(r"[a-z][a-z0-9_.]*")


@dataclass(frozen=True, repr=False)
class Link(Value):
    """The service's way to one server, by the name that the target description gives it."""

    protocol: ClassVar[str] = ""
    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.protocol:
            raise UsageError.at(
                "link", "name", self.name, "a link speaks a protocol", mend="make a Postgres or a Redis"
            )
        if not NAME.fullmatch(self.name):
            mend = "write a-z, then a-z 0-9 _ . as the target description does"
            raise UsageError.at(self.protocol, "name", self.name, "not a link's name", mend=mend)

    def __repr__(self) -> str:
        """The variable's name for the two default links, else the call that builds it."""
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
        """Read `shorthand` back; raises UsageError for a protocol that is not known or does not fit."""
        protocol, colon, name = text.partition(":")
        fitting = {kind.protocol: kind for kind in (Postgres, Redis) if issubclass(kind, cls)}
        if protocol not in fitting:
            raise UsageError.at(place, "link", text, "not a link that fits here", valid=_shorthands(name, fitting))
        with told_at(place):
            return fitting[protocol](name if colon else protocol)  # type: ignore[return-value]  # a subclass of cls, by the filter above

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

        `message`: this single message of it (`Bind`), not the one that has the statement carried out.
        `having`: one of its parameters or arguments contains this. `connection` counts from 1, in the
        order in which connections first sent a matching message; `nth`: only that match, over all of them.
        """
        return Sent(self, text, message=message, phase=phase, having=having, connection=connection, nth=nth)

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

        The whole answer, up to its last byte; with `message`, that single message of it (`CommandComplete`).
        The other words are those of `sent`.
        """
        return Answered(self, text, message=message, phase=phase, having=having, connection=connection, nth=nth)

    @property
    def sends_per_request(self) -> Figure:
        """Amplification: the statement or command sent most often, times sent for each request of the scenario.

        Where the service sent nothing on the link there is no such figure: the run is inconclusive.
        """
        return SendsPerRequest(self)

    def connects_peak(self, *, within_ms: int) -> Figure:
        """How close the herd is: the most connects of the service that the kernel passed on in any `within_ms`.

        Where the service did not connect in the scenario there is no such figure: the run is inconclusive.
        """
        return ConnectsPeak(self, within_ms=within_ms)

    def idle(self, at_least: int = 1) -> Moment:
        """That many of the service's connections are open and idle, by the server's own count."""
        return Idle(self, at_least)

    def logged(self, pattern: str) -> Moment:
        """The server's log has a line that the regular expression finds."""
        return ServerLogged(self, pattern)


def _shorthands(name: str, protocols: Iterable[str]) -> list[str]:
    return [f"{protocol}:{name}" if name else protocol for protocol in protocols]


@dataclass(frozen=True, repr=False)
class Postgres(Link, kind="Postgres"):
    """A link to a PostgreSQL server."""

    protocol: ClassVar[str] = "postgres"

    def waiting(self, text: str = "", at_least: int = 1) -> Moment:
        """`pg_stat_activity` shows that many statements beginning with `text` waiting for a lock."""
        return Waiting(self, text, at_least)


@dataclass(frozen=True, repr=False)
class Redis(Link, kind="Redis"):
    """A link to a Redis server, or to one that speaks its protocol."""

    protocol: ClassVar[str] = "redis"


class _OfALink(Moment):
    """Its source is a method call on the link: `postgres.idle(at_least=2)`."""

    def __repr__(self) -> str:
        """The call that builds it."""
        link, *rest = (getattr(self, field.name) for field in dataclasses.fields(self))
        return f"{link!r}.{self.kind.partition('.')[2]}({', '.join(repr(item) for item in rest)})"


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
    """A message on a link: what a wire fault acts on, and what can be waited for.

    The relay holds it while a fault of another layer strikes at it.
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
        place, protocol = self._called, self.link.protocol
        if self.message is not None:
            a_message_name(place, self.message, protocol, self.direction)
        a_phase_of_the_unit(place, self.phase, self.message, protocol)
        a_count(place, "connection", self.connection)
        a_count(place, "nth", self.nth)

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
class Idle(_OfALink, kind="link.idle"):
    """See `Link.idle`."""

    link: Link
    at_least: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "at_least", self.at_least, REACHED_AT_ONCE)


@dataclass(frozen=True, repr=False)
class ServerLogged(_OfALink, kind="link.logged"):
    """See `Link.logged`."""

    link: Link
    pattern: str

    def __post_init__(self) -> None:
        super().__post_init__()
        an_expression(self.kind, "pattern", self.pattern)


@dataclass(frozen=True, repr=False)
class Waiting(_OfALink, kind="postgres.waiting"):
    """See `Postgres.waiting`."""

    link: Postgres
    text: str
    at_least: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least_one(self.kind, "at_least", self.at_least, REACHED_AT_ONCE)


@dataclass(frozen=True)
class Service:
    """The service under test, seen from its clients and in its own words."""

    def answers(self, at_least: int, outcome: Outcome = ANY_OUTCOME) -> Moment:
        """That many answers with that outcome since the last `inject` or `heal` began. A claim."""
        return Answers(at_least, outcome)

    def logged(self, pattern: str) -> Moment:
        """The service's log has a line that the regular expression finds."""
        return ServiceLogged(pattern)

    def metric(self, name: str, **labels: str) -> Metric:
        """Increase of the service's own metric over the scenario; only of what has these labels, if any."""
        return Metric(name, tuple(f"{label}={value}" for label, value in labels.items()))


postgres = Postgres("postgres")
redis = Redis("redis")
service = Service()
