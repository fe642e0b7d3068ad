"""Says which lines and metrics of a service are not as approved: where, which line, and the nearest approved form."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence

from harness.engine.said.approved import Approved, ApprovedLine, Name
from harness.engine.said.lines import LogLine, kind_of, word_of
from harness.engine.said.shapes import EXAMPLE_CHARACTERS, NO_ANSWER, Told, said_twice
from harness.history.events import FamilySaid
from harness.target.sections.service_log import LineFields

Logs = Sequence[Sequence[LogLine]]


def other_lines(logs: Logs, told: Told, approved: Approved, described: LineFields, *, apart: bool) -> Iterator[str]:
    """Yield a sentence for each kind of difference, with the first line that has it."""
    seen: set[tuple[Name, str]] = set()
    for line, problem in _problems(logs, told, approved, described, apart=apart):
        if (line.form, problem) not in seen:
            seen.add((line.form, problem))
            number = _number(logs, line)
            yield f"line {number} of the log, {line.name!r}: {problem}: {line.text[:EXAMPLE_CHARACTERS]}"


def _problems(
    logs: Logs, told: Told, approved: Approved, described: LineFields, *, apart: bool
) -> Iterator[tuple[LogLine, str]]:
    for line in (line for log in logs for line in log):
        form = approved.lines.get(line.form)
        if form is None:
            yield line, f"no such line is approved; the nearest is {_nearest(line, approved)!r}"
            continue
        yield from ((line, problem) for problem in _of_keys(line, form, described))
        answers = set(told.get(line.delivery, ())) if line.delivery else set()
        if answers and NO_ANSWER not in answers and form.answers and not answers & form.answers:
            yield line, f"its client was told {_either(answers)}, approved is {_either(form.answers)}"
    for line in said_twice(logs, told, apart=apart):
        form = approved.lines.get(line.form)
        if form is not None and not form.again:
            yield line, "it says the same thing once more"
    if apart:
        yield from _out_of_order(logs, approved)


def _of_keys(line: LogLine, form: ApprovedLine, described: LineFields) -> Iterator[str]:
    for key, value in line.rest.items():
        approved = form.keys.get(key)
        if approved is None:
            yield f"it has a key {key!r}, approved are {', '.join(form.keys)}"
        elif not _fits(key, value, approved, described):
            yield f"{key!r} is {_shown(key, value, described)}, approved is {_either(approved)}"
    for key in form.keys.keys() - line.rest.keys() - form.optional:
        yield f"it lacks the key {key!r}"


def _fits(key: str, value: object, approved: frozenset[str], described: LineFields) -> bool:
    if kind_of(value) in approved:
        return True
    return word_of(key, value, described) in approved


def _shown(key: str, value: object, described: LineFields) -> str:
    return word_of(key, value, described) or f"a {kind_of(value)}"


def _out_of_order(logs: Logs, approved: Approved) -> Iterator[tuple[LogLine, str]]:
    for log in logs:
        forms = [(line, approved.lines.get(line.form, ApprovedLine({}))) for line in log]
        yield from _more_than_once(forms)
        in_order = [(line, form) for line, form in forms if not form.anytime]
        for place, (line, form) in enumerate(in_order):
            if form.first and place > 0:
                yield line, "it is the first line of a process, and came after others"
            if form.last and place < len(in_order) - 1:
                yield line, f"it is the last line of a process, and after it came {in_order[place + 1][0].name!r}"


def _more_than_once(forms: Sequence[tuple[LogLine, ApprovedLine]]) -> Iterator[tuple[LogLine, str]]:
    times = Counter[Name]()
    for line, form in forms:
        times[line.form] += 1
        if form.once and times[line.form] == 2:
            yield line, "a process says it once, and said it again"


def other_families(families: Sequence[FamilySaid], approved: Approved) -> Iterator[str]:
    """Yield a sentence for each family of metrics that is not as approved."""
    seen = {family.name: family for family in families}
    for name in approved.families.keys() - seen.keys():
        yield f"the metrics lack {name}"
    for family in families:
        known = approved.families.get(family.name)
        if known is None:
            nearest = next(iter(difflib.get_close_matches(family.name, approved.families, 1, 0)), "none")
            yield f"the metrics have {family.name}, which is not approved; the nearest is {nearest}"
        else:
            yield from (f"{family.name}: {problem}" for problem in _of_family(family, known))


def _of_family(family: FamilySaid, known: FamilySaid) -> Iterator[str]:
    if family.type != known.type:
        yield f"its type is {family.type!r}, approved is {known.type!r}"
    if family.help != known.help:
        yield f"its help is {family.help!r}, approved is {known.help!r}"
    lacks = sorted(set(known.shows) - set(family.shows))
    if lacks:
        yield f"it does not show {lacks[0]} from the start{_more(lacks)}"
    new = sorted({*family.shows, *family.later} - {*known.shows, *known.later})
    if new:
        yield f"it shows {new[0]}{_more(new)}, which is not approved"


def _nearest(line: LogLine, approved: Approved) -> str:
    names = [" ".join(filter(None, name)) for name in approved.lines]
    return next(iter(difflib.get_close_matches(line.name, names, 1, 0)), "none")


def _number(logs: Logs, line: LogLine) -> int:
    """Its place in the whole file."""
    flat = [each for log in logs for each in log]
    return next(number for number, each in enumerate(flat, start=1) if each is line)


def _either(values: frozenset[str] | set[str]) -> str:
    return " or ".join(each for each in sorted(values))


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


__all__ = ["other_families", "other_lines"]
