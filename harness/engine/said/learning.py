"""Learns the approved lines and metrics from past runs. It only adds to the approved ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.engine.said.approved import Approved, ApprovedLine, Name, is_word
from harness.engine.said.shapes import FEW
from harness.history.events import FamilySaid, KeySaid, LineSaid

SURE = 20
"""A line must be unique, first or last in this many processes before that becomes a rule."""


def learnt(approved: Approved, lines: Sequence[LineSaid], families: Iterable[FamilySaid]) -> Approved:
    """Add a run's lines and metrics to the approved ones."""
    forms = {name: _line(approved.lines.get(name), said) for name, said in _by_name(lines).items()}
    known = dict(approved.families)
    for each in families:
        known[each.name] = _family(known.get(each.name), each)
    return Approved({**approved.lines, **forms}, known)


def _by_name(lines: Iterable[LineSaid]) -> dict[Name, list[LineSaid]]:
    found: dict[Name, list[LineSaid]] = {}
    for each in lines:
        found.setdefault((each.event, each.level, each.reason), []).append(each)
    return found


def _line(before: ApprovedLine | None, said: Sequence[LineSaid]) -> ApprovedLine:
    known = before or ApprovedLine({})
    keys = {key: known.keys.get(key, frozenset()) for key in known.keys}
    missing = set(known.optional)
    for each in said:
        missing |= (keys.keys() ^ {key.name for key in each.keys}) if keys else set()
        missing |= {key.name for key in each.keys if key.absent}
        for key in each.keys:
            keys[key.name] = _values(keys.get(key.name, frozenset()), key)
    certain = {answer for each in said for answer in each.answers} | known.answers
    mixed = {answer for each in said for answer in each.mixed}
    in_order = [each for each in said if each.processes]
    new = before is None and sum(each.processes for each in in_order) >= SURE
    return ApprovedLine(
        keys,
        frozenset(missing),
        frozenset(certain or mixed),
        again=known.again or any(each.again for each in said),
        once=(known.once or new) and all(each.once for each in in_order),
        first=(known.first or new) and all(each.first for each in in_order),
        last=(known.last or new) and all(each.last for each in in_order),
        anytime=known.anytime,
    )


def _values(known: frozenset[str], key: KeySaid) -> frozenset[str]:
    """Words or kinds: if a value is a free text, or there are too many words, the kind is text."""
    words = {each for each in known if is_word(each)} | set(key.one_of)
    kinds = {each for each in known if not is_word(each)} | set(key.types)
    if words and (kinds or len(words) > FEW * 3):
        return frozenset({*kinds, "text"})
    return frozenset(words or kinds)


def _family(before: FamilySaid | None, said: FamilySaid) -> FamilySaid:
    """Series that both show at first exist from the start; all others may come later."""
    if before is None:
        return said
    shows = set(before.shows) & set(said.shows)
    later = {*before.shows, *before.later, *said.shows, *said.later} - shows
    return FamilySaid(said.name, said.type, said.help, tuple(sorted(shows)), tuple(sorted(later)))


__all__ = ["learnt"]
