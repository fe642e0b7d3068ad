"""The relay's reports: a rule fired, held bytes were released, a connection ended, a message was seen.

All times are CLOCK_MONOTONIC in nanoseconds, the same for every process of the machine. Offsets count bytes from the
beginning of the connection, in the direction of the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias

from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Phase
from harness.relay.control.plain_json import by_kind, check_types, encode
from harness.vocabulary.value import Json

STATEMENTS_MAX: Final = 4096
"""Statements and ends of answers that the relay keeps of each hop, for `RelayControl.seen`: the last ones."""

EndedBy: TypeAlias = Literal["service", "server", "rule", "relay", "reset by service", "reset by server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Any report. `connection` counts from 1 on its hop."""

    kind: ClassVar[str] = ""
    hop: str
    connection: int
    t_ns: int

    def __post_init__(self) -> None:
        check_types(self, self.kind)

    def to_json(self) -> Json:
        """Return kind and fields."""
        return {"kind": self.kind, **encode(self)}

    @staticmethod
    def from_json(data: Json, *, place: str = "report") -> Report:
        """Read `to_json` back. Raises UsageError."""
        return by_kind(data, REPORTS, place=place, word="report")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired(Report):
    """A rule's action was carried out or, for stall, hold, delay and late, has begun.

    `service_port`: the service's local port of that connection. `message`: the frame's name; for a whole answer its
    first frame's name. `text`: the statement or command. `offset`: where the unit begins. `passed_bytes`: how many
    bytes of the unit had been forwarded unchanged when it fired. `subject`: the statement's subject, such as a
    delivery's id, while tries are counted; "" if it is unknown or tries are not counted.
    """

    kind: ClassVar[str] = "fired"
    rule: str
    service_port: int
    message: str
    text: str
    offset: int
    passed_bytes: int
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed(Report):
    """Bytes that a rule held were forwarded. Fields as in `Fired`."""

    kind: ClassVar[str] = "passed"
    rule: str
    service_port: int
    message: str
    text: str
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Report):
    """A connection ended, or one side announced that it will send no more.

    `by`: the side that was first; "relay": the relay itself failed, see its log. `phase` and `text`: those of the open
    statement; without one, `text` is "". `direction_due`: whose message was due: "sent" the service's, "answered" the
    server's; None: neither. The two numbers are the bytes that the service and the server had sent, forwarded or not;
    with TLS, the bytes within it. `why`: why the service's TLS failed; otherwise "".
    """

    kind: ClassVar[str] = "ended"
    service_port: int
    by: EndedBy
    phase: Phase
    text: str
    direction_due: Direction | None
    sent_bytes: int = 0
    answered_bytes: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Report):
    """A message that passed. Only in recordings: `head`, its first bytes, and `subject`, a statement's subject.

    `length` is the length of the whole message, or of the part that has arrived.
    """

    kind: ClassVar[str] = "seen"
    direction: Direction
    message: str
    text: str
    phase: Phase
    exchange: int
    runs: bool
    ends_answer: bool
    offset: int
    length: int
    head: bytes | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Report):
    """The first bytes of a connection have shown the protocol of a hop that was laid without one.

    `begins_in_tls`: its clients begin with TLS, so nothing can be read.
    """

    kind: ClassVar[str] = "known"
    protocol: str
    begins_in_tls: bool


AnyReport: TypeAlias = Fired | Passed | Ended | Seen | Known
REPORTS: Mapping[str, type[Report]] = {report.kind: report for report in (Fired, Passed, Ended, Seen, Known)}

__all__ = ["REPORTS", "STATEMENTS_MAX", "AnyReport", "Ended", "EndedBy", "Fired", "Known", "Passed", "Report", "Seen"]
