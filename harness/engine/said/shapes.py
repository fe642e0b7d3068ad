"""Groups lines of one form: their keys, the kinds of their values, and the answers that clients got at that time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.engine.said.lines import LogLine, kind_of, word_of
from harness.history.events import KeySaid, LineSaid
from harness.target.sections.service_log import LineFields

FEW = 12
"""A key with more different words than this may have any text."""
EXAMPLE_CHARACTERS = 400
NO_ANSWER = "no answer"
"""Stands for the answer of a client that got none, or did not wait: it could have been any answer."""

Told = Mapping[str, Sequence[str]]
"""The answers to each delivery's requests, one word for each."""


@dataclass(slots=True)
class _Key:
    words: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    lines: int = 0


@dataclass(slots=True)
class _Form:
    example: str
    lines: int = 0
    keys: dict[str, _Key] = field(default_factory=dict)
    answers: set[str] = field(default_factory=set)
    mixed: set[str] = field(default_factory=set)
    again: bool = False


def lines_said(logs: Sequence[Sequence[LogLine]], told: Told, described: LineFields, *, apart: bool) -> list[LineSaid]:
    """Describe every form of line. `logs`: the lines of each process; `apart`: the processes' lines are not mixed."""
    forms: dict[tuple[str, str, str], _Form] = {}
    for line in (line for log in logs for line in log):
        form = forms.setdefault(line.form, _Form(line.text[:EXAMPLE_CHARACTERS]))
        _add(form, line, told, described)
    repeated = said_twice(logs, told, apart=apart)
    for each in repeated:
        forms[each.form].again = True
    return [_said(name, form, logs, apart=apart) for name, form in forms.items()]


def said_twice(logs: Sequence[Sequence[LogLine]], told: Told, *, apart: bool) -> Sequence[LogLine]:
    """Lines that repeat a line: about a delivery more often than it was sent; otherwise like the line before.

    The line before is the last one of the same event that names no delivery either. Deliveries that no line mentions do
    not matter.
    """
    found: list[LogLine] = []
    for log in logs:
        said: Counter[tuple[str, str]] = Counter()
        before: dict[str, str] = {}
        for line in log:
            if line.delivery:
                said[line.delivery, line.plain] += 1
                if line.delivery in told and said[line.delivery, line.plain] > len(told[line.delivery]):
                    found.append(line)
            elif apart:
                if before.get(line.event) == line.plain:
                    found.append(line)
                before[line.event] = line.plain
    return found


def _add(form: _Form, line: LogLine, told: Told, described: LineFields) -> None:
    form.lines += 1
    for name, value in line.rest.items():
        key = form.keys.setdefault(name, _Key())
        key.lines += 1
        word = word_of(name, value, described)
        if word is None:
            key.kinds.add(kind_of(value))
        elif len(key.words) < FEW or name in described.kinds:
            key.words.add(word)
        elif word not in key.words:
            key.kinds.add("text")
    kinds = set(told.get(line.delivery, ())) if line.delivery else set()
    if NO_ANSWER not in kinds:
        (form.answers if len(kinds) == 1 else form.mixed).update(kinds)


def _said(name: tuple[str, str, str], form: _Form, logs: Sequence[Sequence[LogLine]], *, apart: bool) -> LineSaid:
    keys = tuple(
        KeySaid(each, () if "text" in key.kinds else tuple(sorted(key.words)), tuple(sorted(key.kinds)),
                key.lines < form.lines)
        for each, key in form.keys.items()
    )  # fmt: skip
    of_process = [counts for log in logs if (counts := _places(log, name))] if apart else []
    return LineSaid(
        *name,
        keys,
        form.lines,
        form.example,
        answers=tuple(sorted(form.answers)),
        mixed=tuple(sorted(form.mixed)),
        processes=len(of_process),
        once=all(len(places) == 1 for places, _ in of_process),
        first=all(places[0] == 0 for places, _ in of_process),
        last=all(places[-1] == length - 1 for places, length in of_process),
        again=form.again,
    )


def _places(log: Sequence[LogLine], name: tuple[str, str, str]) -> tuple[Sequence[int], int] | None:
    places = [number for number, line in enumerate(log) if line.form == name]
    return (places, len(log)) if places else None


def told_of(answered: Iterable[tuple[str, str]]) -> Told:
    """Collect the answers by delivery. `answered`: pairs of a delivery and the answer to one request about it."""
    found: dict[str, list[str]] = {}
    for delivery, told in answered:
        found.setdefault(delivery, []).append(told)
    return found


def without(told: Told, names: Collection[str]) -> Told:
    """Leave out these deliveries: they had more requests than the history lists."""
    return {name: answers for name, answers in told.items() if name not in names}


__all__ = ["NO_ANSWER", "Told", "lines_said", "said_twice", "told_of", "without"]
