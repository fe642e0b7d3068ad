"""The form in which answers are compared: placeholders stand for what differs from run to run."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.engine.variants.sending import RawAnswer
from harness.history.events import StoredRow
from harness.target import Delivery

NOTHING = "nothing"
ONLY_NAMED = ("date", "content-length")
"""Headers whose values follow from the time and the body."""
CHARACTERS = 600
"""How much of a body is compared. This project's service has no longer answer."""
SETS = ("allow", "vary")
"""Headers that list names in any order, which may differ from start to start."""
_VARY = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "{time}"),
    (re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"), "{time}"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "{uuid}"),
    (re.compile(r"\b[0-9a-f]{32,}\b"), "{hex}"),
    (re.compile(r"\b1\d{9}(?:\.\d+)?\b"), "{seconds}"),
)


@dataclass(frozen=True, slots=True, order=True)
class Answer:
    """An answer, and what is stored after it. `status`: `closed` if the connection ended without an answer.

    `stored`: `nothing`, or each row's name and whose body it has.
    """

    status: str
    headers: tuple[str, ...]
    body: str
    stored: str

    def __str__(self) -> str:
        told = " ".join(filter(None, (self.status, f"({', '.join(self.headers)})" if self.headers else "", self.body)))
        return f"{told}; stored: {self.stored}"


def answer(raw: RawAnswer, sent: Delivery, usual: Delivery, rows: Iterable[StoredRow]) -> Answer:
    """Replace varying values by words. `sent`: the delivery that was sent; `usual`: the delivery before the change."""
    words = tuple(_words(sent, usual))
    if not raw.status:
        return Answer(raw.body.decode(), (), "", _stored(rows, sent, words))
    headers = sorted(_header(name, value, words) for name, value in raw.headers)
    body = _worded(_printable(raw.body), words)
    return Answer(str(raw.status), tuple(headers), body[:CHARACTERS], _stored(rows, sent, words))


def _header(name: str, value: str, words: Iterable[tuple[str, str]]) -> str:
    if name in ONLY_NAMED:
        return name
    if name in SETS:
        value = ", ".join(sorted(value.replace(" ", "").split(",")))
    return f"{name}: {_worded(value, words)}"


def _words(sent: Delivery, usual: Delivery) -> Iterator[tuple[str, str]]:
    """The placeholders for the values of a delivery, the longest value first.

    Short bodies are left out, because many texts contain them.
    """
    found: list[tuple[str, str]] = []
    for delivery in (sent, usual):
        found += [(delivery.digest, "{digest}"), (delivery.id, "{id}")]
        if len(delivery.body) > 30:  # longer than any word of a service
            found.append((base64.b64encode(delivery.body).decode(), "{base64}"))
    yield from sorted(found, key=lambda pair: len(pair[0]), reverse=True)


def _worded(text: str, words: Iterable[tuple[str, str]]) -> str:
    for value, word in words:
        if len(value) > 1:
            text = text.replace(value, word)
    for pattern, word in _VARY:
        text = pattern.sub(word, text)
    return text


def _printable(body: bytes) -> str:
    text = body.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in text)


def _stored(rows: Iterable[StoredRow], sent: Delivery, words: Iterable[tuple[str, str]]) -> str:
    told = []
    for row in rows:
        name = _worded(_printable(row.id.encode("utf-8", "surrogateescape")), words)
        whose = "its body" if row.digest in (sent.digest, "") else "another body"
        told.append(f"{name} with {whose}" + (f", {row.copies} times" if row.copies != 1 else ""))
    return ", ".join(sorted(told)) or NOTHING


def belongs(row: StoredRow, sent: Delivery, usual: Delivery) -> bool:
    """Whether this delivery made a row: the row has its body, which no other has, or a part of its name."""
    name = row.id.lower()
    return usual.id.lower() in name or (row.digest == sent.digest and row.id == sent.name)


__all__ = ["NOTHING", "Answer", "answer", "belongs"]
