"""How often each statement was sent for one subject, and how each try ended.

The subject of a request is its delivery's id, found in a statement's text or parameters. The end of a transaction
(phase "commit") names none: it belongs to the last subject of its connection.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Message
from harness.protocols.contract.speech import FINGERPRINT_MAX, Speech
from harness.relay.control.ledger import Life, Met, Quiet
from harness.relay.control.tries import LOST, OK, PASSED_OVER, Tally, Tried, Try

VALUE_BYTES_SEARCHED: Final = 1000  # of the beginning of each parameter
TEXT_MAX: Final = 2000  # characters
TEXT_TOLD: Final = 200
WORKS_MAX: Final = 20_000
TRIES_MAX: Final = 64  # of one statement for one subject
TOLD_MAX: Final = 400
MET_MAX: Final = 1_000
NOTED_MAX: Final = 10_000
BEFORE_STATEMENTS: Final = ("startup", "authentication")


@dataclass(slots=True)
class Sent:
    """One try. `answer`: empty while it is not answered. `connection`: its number, if it has no subject."""

    subject: str
    connection: int
    text: str
    t_ns: int
    answer: str = ""
    final: bool = False

    @property
    def failed(self) -> bool:
        """Whether an error answered it, or nothing did."""
        return self.answer not in ("", OK, PASSED_OVER)


@dataclass(slots=True)
class Refusal:
    """An error that a server, or a rule in its place, answered to a statement."""

    sent: Sent
    connection: int
    t_ns: int
    error: ServerError
    several: bool

    def told(self, statement: str, *, own: bool) -> Met:
        """Return it as a report. `statement`: its shape."""
        return Met(
            t_ns=self.t_ns, connection=self.connection, subject=self.sent.subject, statement=statement,
            code=self.error.code, text=self.error.text[:TEXT_TOLD], lost=self.sent.answer == LOST, own=own,
            several=self.several,
        )  # fmt: skip


@dataclass(slots=True)
class Work:
    """All tries of one statement for one subject. `more`: how many are not kept."""

    tries: list[Sent] = field(default_factory=list)
    more: int = 0


Key: TypeAlias = tuple[str, str, int]
"""Subject, text, and without a subject the connection: a statement that each connection sends once is not a retry."""


class Tries:
    """The tries of one hop, since `begin`. The number of kept tries is limited; the others are counted."""

    __slots__ = ("_left_out", "_met", "_more_met", "_named", "_noted", "_subjects", "_works", "on", "speech")

    def __init__(self, speech: Speech) -> None:
        self.speech = speech
        self.on = False
        self._subjects = re.compile(rb"(?!)")
        self._noted: re.Pattern[bytes] | None = None
        self._named: set[str] = set()
        self._works: dict[Key, Work] = {}
        self._left_out = 0
        self._met: list[Refusal] = []
        self._more_met = 0

    def begin(self, subjects: str, noted: str = "") -> None:
        """Count from now on.

        `subjects`: an expression that finds a subject; `noted`: one for subjects that are only noted.
        """
        self._subjects = re.compile(subjects.encode())
        self._noted, self._named = re.compile(noted.encode()) if noted else None, set()
        self._works, self._left_out, self.on = {}, 0, True
        self._met, self._more_met = [], 0

    def subject_of(self, message: Message) -> str:
        """Return the first subject in a statement's text or parameters, or ""."""
        found = self._subjects.search(message.text[:TEXT_MAX].encode("utf-8", "replace"))
        for value in message.values:
            if found is not None:
                break
            found = self._subjects.search(value[:VALUE_BYTES_SEARCHED])
        return "" if found is None else found[0].decode()

    def note(self, message: Message) -> None:
        """Note the subjects that a statement names."""
        if self._noted is None or len(self._named) >= NOTED_MAX:
            return
        for text in (message.text[:TEXT_MAX].encode("utf-8", "replace"), *message.values):
            self._named.update(each[0].decode() for each in self._noted.finditer(text[:VALUE_BYTES_SEARCHED]))

    def add(self, sent: Sent) -> None:
        """Keep a try."""
        key = (sent.subject, sent.text, sent.connection)
        work = self._works.get(key)
        if work is None:
            if len(self._works) >= WORKS_MAX:
                self._left_out += 1
                return
            work = self._works[key] = Work()
        if len(work.tries) < TRIES_MAX:
            work.tries.append(sent)
        else:
            work.more += 1

    def names_several(self, message: Message) -> bool:
        """Whether a statement's text or parameters have more subjects than one."""
        found: set[bytes] = set()
        for text in (message.text[:TEXT_MAX].encode("utf-8", "replace"), *message.values):
            found.update(each[0] for each in self._subjects.finditer(text[:VALUE_BYTES_SEARCHED]))
        return len(found) > 1

    def met(self, refusal: Refusal) -> None:
        """Keep an error."""
        if len(self._met) < MET_MAX:
            self._met.append(refusal)
        else:
            self._more_met += 1

    def tally(self, lives: tuple[Life, ...] = (), quiet: tuple[Quiet, ...] = (), forgotten: int = 0) -> Tally:
        """Return retried statements, errors and noted subjects. The hop adds the rest."""
        merged = self._merged()
        failed = [key for key, work in merged.items() if any(sent.failed for sent in work.tries)]
        again = [key for key in failed if len(merged[key].tries) > 1]
        again.sort(key=lambda key: -len(merged[key].tries))
        told = tuple(_tried(key, merged[key]) for key in again[:TOLD_MAX])
        return Tally(
            statements=sum(1 for subject, _, _ in self._works if subject),
            failed=sum(1 for subject, _, _ in failed if subject),
            left_out=self._left_out + len(again) - len(told),
            tried=told,
            met=tuple(self._told(each) for each in self._met),
            more_met=self._more_met,
            lives=lives,
            quiet=quiet,
            forgotten=forgotten,
            noted=tuple(sorted(self._named)),
        )

    def _told(self, refusal: Refusal) -> Met:
        statement = self.speech.shape(refusal.sent.text)[:FINGERPRINT_MAX].rstrip()
        return refusal.told(statement, own=self.speech.of_one_request(refusal.error))

    def _merged(self) -> dict[Key, Work]:
        """For subjects with a failed statement, merge tries that differ only in their literals."""
        shape = functools.lru_cache(maxsize=500)(self.speech.shape)
        troubled = {subject for (subject, _, _), work in self._works.items() if any(one.failed for one in work.tries)}
        merged: dict[Key, Work] = {}
        for (subject, text, connection), work in self._works.items():
            if subject not in troubled:
                continue
            plain = text.replace(subject, "?") if subject else text
            into = merged.setdefault((subject, shape(plain)[:FINGERPRINT_MAX].rstrip(), connection), Work())
            into.tries = sorted([*into.tries, *work.tries], key=lambda sent: sent.t_ns)[:TRIES_MAX]
            into.more += work.more
        return merged


def _tried(key: Key, work: Work) -> Tried:
    tries = tuple(Try(sent.t_ns, sent.answer, sent.final) for sent in work.tries)
    return Tried(subject=key[0], statement=key[1], tries=tries, more=work.more)


class ConnectionTries:
    """The unanswered tries of one connection."""

    __slots__ = ("_answered", "_asked", "_number", "_of", "_open", "_subject")

    def __init__(self, of: Tries, number: int) -> None:
        self._of = of
        self._number = number
        self._open: dict[int, list[Sent]] = {}
        self._asked: dict[int, Message] = {}  # the latest that names a subject, of each exchange under way
        self._answered: list[Sent] = []  # of the latest answered exchange
        self._subject = ""

    def sent(self, message: Message, t_ns: int) -> str:
        """Count a statement that the service sends, and return its subject, or ""."""
        if message.phase in BEFORE_STATEMENTS or not message.exchange:
            return ""
        self._of.note(message)
        subject = self._of.subject_of(message)
        if subject:
            self._subject = subject
        elif message.phase == "commit":
            subject, self._subject = self._subject, ""
        sent = self._one(subject, message, t_ns)
        self._open.setdefault(message.exchange, []).append(sent)
        if subject:
            self._of.add(sent)
            self._asked[message.exchange] = message
        return subject

    def subject_of(self, message: Message) -> str:
        """Return a message's subject: from its own text, its exchange's, or its connection's other messages."""
        if message.phase in BEFORE_STATEMENTS:
            return ""
        own = self._of.subject_of(message)
        of_exchange = (sent.subject for sent in (*self._open.get(message.exchange, ()), *self._answered))
        return own or next(filter(None, of_exchange), self._subject)

    def answered(self, message: Message, t_ns: int) -> None:
        """Take a message of an answer."""
        error = self._of.speech.error_of(message)
        if error is not None:
            self.failed(message, error, t_ns)
        if message.ends_answer:
            for exchange in [each for each in self._open if each <= message.exchange]:
                # Servers answer in order: an earlier exchange will not be answered any more.
                self._answered = self._open.pop(exchange)
                self._asked.pop(exchange, None)
                for sent in self._unanswered(self._answered):
                    sent.answer = OK if exchange == message.exchange else LOST

    def failed(self, message: Message, error: ServerError, t_ns: int) -> None:
        """An error answers this exchange. `message`: the one that failed, or its answer."""
        if message.phase in BEFORE_STATEMENTS or not message.exchange:
            return
        found: Sent | None = None
        for sent in self._unanswered(self._open.get(message.exchange, [])):
            if found is not None:
                sent.answer = PASSED_OVER
            elif sent.text == message.text[:TEXT_MAX]:
                found = sent
            else:
                sent.answer = OK
        if found is None:  # the server refused it before the service had it run
            found = self._one(self._of.subject_of(message), message, t_ns)
            if found.subject:
                self._of.add(found)
        found.answer, found.final = error.code, self._of.speech.is_final(error)
        if not found.subject:
            self._of.add(found)
        asked = self._asked.get(message.exchange)
        several = asked is not None and self._of.names_several(asked)
        self._of.met(Refusal(found, self._number, t_ns, error, several))

    def undelivered(self) -> None:
        """The service does not get the latest answer, although it has come."""
        for sent in self._answered:
            sent.answer, sent.final = LOST, False

    def ended(self) -> None:
        """The connection has ended: unanswered tries stay unanswered."""
        for sents in self._open.values():
            for sent in self._unanswered(sents):
                sent.answer = LOST
        self._open.clear()
        self._asked.clear()

    def _one(self, subject: str, message: Message, t_ns: int) -> Sent:
        return Sent(subject, 0 if subject else self._number, message.text[:TEXT_MAX], t_ns)

    @staticmethod
    def _unanswered(sents: list[Sent]) -> Iterator[Sent]:
        return (sent for sent in sents if not sent.answer)
