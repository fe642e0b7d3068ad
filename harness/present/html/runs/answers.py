"""Counts requests by purpose, by what they asked for and by how they ended, for a small table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.history.events import Asks, RequestSent
from harness.present.html.runs.chronicle import Sent
from harness.results.text import shortened

ANSWER_CHARACTERS = 140
ROWS_MAX = 20
_WORDS: Mapping[Asks, str] = {
    Asks.DELIVER: "store it",
    Asks.READ: "show it",
    Asks.READ_UNSENT: "show one not sent",
    Asks.TAKEN: "another body for its id",
    Asks.CHANGE: "change it",
    Asks.READ_CHANGED: "show what is changed",
    Asks.WRONG: "what must be rejected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """Requests that ended in the same way.

    Times in milliseconds; `answer`, `headers`: the first one's body and headers.
    """

    purpose: str
    asked: str
    outcome: str
    how: str
    count: int
    least_ms: float
    median_ms: float
    most_ms: float
    answer: str
    headers: str


def answer_rows(requests: Sequence[Sent]) -> Sequence[AnswerRow]:
    """The largest groups, in the order in which each first appears."""
    groups: dict[_Key, list[Sent]] = {}
    for sent in requests:
        exchange = sent.exchange
        key = _Key(exchange.sent.purpose, _asked(exchange.sent), str(exchange.outcome), _how(sent))
        groups.setdefault(key, []).append(sent)
    largest = sorted(groups, key=lambda key: -len(groups[key]))[:ROWS_MAX]
    return [_row(key, alike) for key, alike in groups.items() if key in largest]


class _Key(NamedTuple):
    purpose: str
    asked: str
    outcome: str
    how: str


def _asked(sent: RequestSent) -> str:
    """What requests of this kind ask for. All wrong ones are one kind, because only their rejection matters."""
    asks = Asks(sent.asks)
    return sent.name if asks is Asks.HEALTH else _WORDS[asks]


def _how(sent: Sent) -> str:
    ended = sent.exchange.ended
    if ended is None:
        return "never ended"
    if ended.status is not None:
        return f"status {ended.status}"
    return f"{ended.problem or 'no answer'}{sent.exchange.waiting()}"


def _row(key: _Key, alike: Sequence[Sent]) -> AnswerRow:
    took = [1e3 * (sent.ended_s - sent.at_s) if (e := sent.exchange.ended) is None else e.took_ms for sent in alike]
    first = alike[0].exchange.ended
    return AnswerRow(
        purpose=key.purpose,
        asked=key.asked,
        outcome=key.outcome,
        how=key.how,
        count=len(alike),
        least_ms=min(took),
        median_ms=statistics.median(took),
        most_ms=max(took),
        answer=shortened(first.answer, ANSWER_CHARACTERS) if first else "",
        headers="\n".join(first.headers) if first else "",
    )
