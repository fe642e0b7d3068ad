"""Counts requests by purpose and by how they ended, for a small table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.present.html.chronicle import Sent
from harness.results.text import shortened

ANSWER_CHARACTERS = 140
ROWS_MAX = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """Requests that ended alike. Times in milliseconds; `answer`: the first one's body."""

    purpose: str
    outcome: str
    how: str
    count: int
    least_ms: float
    median_ms: float
    most_ms: float
    answer: str


def answer_rows(requests: Sequence[Sent]) -> Sequence[AnswerRow]:
    """The largest groups, in the order in which each first appears."""
    groups: dict[tuple[str, str, str], list[Sent]] = {}
    for sent in requests:
        groups.setdefault((sent.exchange.sent.purpose, str(sent.exchange.outcome), _how(sent)), []).append(sent)
    largest = sorted(groups, key=lambda key: -len(groups[key]))[:ROWS_MAX]
    return [_row(key, alike) for key, alike in groups.items() if key in largest]


def _how(sent: Sent) -> str:
    ended = sent.exchange.ended
    if ended is None:
        return "never ended"
    if ended.status is not None:
        return f"status {ended.status}"
    return f"{ended.problem or 'no answer'}{sent.exchange.waiting()}"


def _row(key: tuple[str, str, str], alike: Sequence[Sent]) -> AnswerRow:
    took = [1e3 * (sent.ended_s - sent.at_s) if (e := sent.exchange.ended) is None else e.took_ms for sent in alike]
    first = alike[0].exchange.ended
    purpose, outcome, how = key
    return AnswerRow(
        purpose=purpose,
        outcome=outcome,
        how=how,
        count=len(alike),
        least_ms=min(took),
        median_ms=statistics.median(took),
        most_ms=max(took),
        answer=shortened(first.answer, ANSWER_CHARACTERS) if first else "",
    )
