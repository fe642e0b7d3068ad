"""What the relay knows about one connection: its messages, read by the protocol, and unanswered exchanges."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from harness.protocols.contract.failure import Failure, ServerError
from harness.protocols.contract.frames import Frame
from harness.protocols.contract.message import Message, Unfinished
from harness.protocols.contract.speech import SPEECH, Speech, recognised
from harness.relay.connection.flights import Flight, Flights
from harness.relay.rules.ledger import Ledger
from harness.relay.rules.rule_book import ArmedRule, RuleBook, Sight
from harness.relay.rules.sightings import Sightings
from harness.relay.rules.tries_counter import ConnectionTries, Tries

TlsMode: TypeAlias = Literal["none", "offered", "required", "passed"]
"""Whether a hop speaks TLS to the service. "none": only if the server does, to a client that asked the
server for it. "offered": only to a client that asks for it within the protocol. "passed": TLS between service and
server passes unchanged, and cannot be read."""
UNDECIDED: Final = ""
"""Stands for the name of a protocol that the first bytes of a connection will show."""
Asked: TypeAlias = Sequence[tuple[Sight, Sequence[bytes]]]
Candidate: TypeAlias = tuple[ArmedRule, Sequence[bytes]]

_NOTHING: Asked = ()


@dataclass(frozen=True, slots=True)
class HopKind:
    """A hop's fixed properties. `tls`: what the relay speaks, whether or not the server has TLS."""

    name: str
    protocol: str
    tls: TlsMode = "none"

    @property
    def speech(self) -> Speech:
        """The protocol's reader; while the protocol is undecided, one that accepts anything.

        Raises UsageError for a protocol that is not registered.
        """
        return SPEECH.of(self.protocol or recognised(b""))


@dataclass(frozen=True, slots=True)
class HopState:
    """State that all connections of a hop share."""

    kind: HopKind
    book: RuleBook
    sightings: Sightings
    tries: Tries
    ledger: Ledger


class Notes:
    """Records every message once, in order. `now_ns` is the time of the next messages."""

    def __init__(self, hop: HopState, number: int) -> None:
        self.now_ns = 0
        self.sent_count = 0
        self.values: Sequence[bytes] = ()
        """The values of the last sent message, and its subject, such as a delivery's id, if tries are counted."""
        self.tls_begins = False
        """The server has said yes to TLS."""
        self._number = number
        self._answer_was_kept = False
        self._book = hop.book
        self._sent_sights = hop.book.sights_of("sent")
        self._answered_sights = hop.book.sights_of("answered")
        self._sightings = hop.sightings
        self._counting = hop.tries
        self._tries = ConnectionTries(hop.tries, number)
        speech = hop.kind.speech
        self._tls_answer, self._tls_yes = ("", b"") if speech.tls is None else (speech.tls.answer, speech.tls.yes)
        self._conversation = speech.conversation()
        self._flights = Flights(speech.grammar)
        self._life = hop.ledger.opened(number, time.monotonic_ns())
        self._opening = self._conversation.outside(None).due is not None
        self._holds_after = speech.holds_after
        self._generation = 0
        if not self._opening:
            self._life.rests(time.monotonic_ns())
        self.framers = self._conversation.framers
        self.unanswered = self._conversation.unanswered

    def sent(self, frame: Frame) -> tuple[Message, Sight]:
        """Record what the service sends."""
        message = self._conversation.understand("sent", frame)
        name = message.name
        self.sent_count += 1
        sight = self._sent_sights.get((name, message.phase, message.text))
        if sight is None or sight.generation != self._book.generation:
            sight = self._book.sight("sent", name, message.phase, message.text, runs=message.runs)
        sight.count += 1 + frame.more
        flight = self._flights.sent(message, sight)
        self.values, subject = message.values, ""
        if message.runs:
            self._sightings.note(self._number, message, self.now_ns)
            if self._counting.on and (subject := self._tries.sent(message, self.now_ns)):
                self.values = (*message.values, subject.encode())
            if flight is not None:
                flight.statements.append((sight, self.values))
            for armed in sight.answer_rules:
                armed.note(self._number, self.values)
        if self._sightings.recording:
            self._sightings.record(self._number, message, self.now_ns, subject)
        if flight is not None and not self._opening:
            self._life.works(self.now_ns)
        return message, sight

    def answered(self, frame: Frame) -> tuple[Message, Sight, Flight | None, Asked]:
        """Record an answer's message. Also return its exchange, and the statements whose answer begins here."""
        message = self._conversation.understand("answered", frame)
        sight = self._answered_sights.get((message.name, message.phase, message.text))
        if sight is None or sight.generation != self._book.generation:
            sight = self._book.sight("answered", message.name, message.phase, message.text, runs=False)
        sight.count += 1 + frame.more
        flight, asked = self._flights.get(message.exchange), _NOTHING
        if flight is not None and flight.statements:
            asked, flight.statements = flight.statements, []
        self._flights.answered(message)
        if self._counting.on:
            self._tries.answered(message, self.now_ns)
        if message.name == self._tls_answer:
            self.tls_begins = frame.head == self._tls_yes
        if message.ends_answer:
            self._sightings.note(self._number, message, self.now_ns)
        if self._sightings.recording:
            self._sightings.record(self._number, message, self.now_ns)
        self._look_whether_at_rest(message)
        return message, sight, flight, asked

    def _look_whether_at_rest(self, message: Message) -> None:
        if self._opening:
            self._opening = self._conversation.outside(message).due is not None
            if not self._opening:
                self._life.rests(self.now_ns)
        elif message.ends_answer and not self._flights.any_open:
            self._life.rests(self.now_ns, holds=self._holds_after(message))

    @property
    def recording(self) -> bool:
        """Whether every message is being recorded, so that each needs a frame."""
        return self._sightings.recording

    # ------------------------------------------------------------------ rules

    def may_concern_answers(self) -> bool:
        """Whether a rule in force can concern the answers that are due, judged by their requests."""
        if self._book.any_answer:
            return True
        if self._generation != self._book.generation:
            self._generation = self._book.generation
            self._flights.reassess(self._book.refresh)
        return self._flights.wanted

    def rules_for_answer(self, message: Message, sight: Sight, asked: Asked) -> Sequence[Candidate]:
        """Return the rules for this message and for the whole answer that it begins, in the order of arming."""
        single = [(armed, message.values) for armed in sight.rules]
        whole = list(self._of_statements(asked)) if asked else []
        return sorted([*single, *whole], key=_armed_first) if whole else single

    def _of_statements(self, asked: Asked) -> Iterator[Candidate]:
        """Yield each rule for a whole answer once, with the values of the statements that it fits."""
        found: dict[ArmedRule, list[bytes]] = {}
        for sight, values in asked:
            self._book.refresh(sight)
            for armed in sight.answer_rules:
                if armed.rule.match.message is None:
                    found.setdefault(armed, []).extend(values)
        yield from found.items()

    def subject_of(self, message: Message) -> str:
        """The subject of the message's statement, if tries are counted and it names one; else ""."""
        return self._tries.subject_of(message) if self._counting.on else ""

    # ------------------------------------------------------------------ exchanges

    def withdraw(self, message: Message) -> None:
        """Forget a sent message that the server never received."""
        if self._conversation.withdraw(message):
            self._flights.withdraw(message.exchange)
            if not self._flights.any_open:
                self._life.rests(self.now_ns)

    def fail(self, message: Message, error: ServerError) -> Failure:
        """Return how the protocol turns this error into the answer to the message."""
        failure = self._conversation.fail(message, error)
        if failure.to_service and self._counting.on:  # no answer of the server will show it
            worded = dataclasses.replace(error, text=error.text or failure.text)
            self._tries.failed(message, worded, self.now_ns)
        return failure

    def undelivered(self) -> None:
        """The service does not get the latest answer."""
        self._answer_was_kept = True
        self._tries.undelivered()

    def ended(self, by: str) -> None:
        """The connection has ended: open exchanges will never be answered."""
        self._tries.ended()
        self._life.ended(time.monotonic_ns(), by, in_use=self._answer_was_kept)

    def unfinished(self) -> Unfinished:
        """Return the part that is unfinished now."""
        return self._flights.oldest or self._conversation.outside(self._flights.latest)

    @property
    def said_goodbye(self) -> bool:
        """Whether the latest message was the service's farewell."""
        return self._flights.said_goodbye


def _armed_first(candidate: Candidate) -> int:
    return candidate[0].serial
