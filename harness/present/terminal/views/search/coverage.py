"""Shows on a terminal how much of the fault space was hit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.present.looks import BAD, BOLD, DIM, DOUBT, PLAIN
from harness.present.terminal.pieces import Line
from harness.results.text import one_line
from harness.suite.verbs.coverage import UPDATE, JudgedCoverage, RecordedCoverage

SHOWN = 40
"""Points listed, unless asked for more with -v."""


def gate_coverage_lines(judged: JudgedCoverage) -> Iterator[Line]:
    """Return the share. If it is below the floor, also say which statements are to blame."""
    found = judged.coverage
    share = f"{len(found.hit)} of {len(found.space.points)} points of the fault space"
    yield [("coverage: ", PLAIN), (f"{share}, {found.percent:.1f}%", BOLD)]
    if judged.lost is not None:
        yield [(f"failed: {found.below_floor}", BAD)]
        for sentence in judged.lost.sentences():
            yield [("  ", PLAIN), (one_line(sentence), PLAIN)]
        yield [(f"  mend: {UPDATE}", DIM)]


def unread_lines(unread: Sequence[str]) -> Iterator[Line]:
    """Which maps the report lacks, and why."""
    for sentence in dict.fromkeys(unread):
        yield [("maps: ", PLAIN), (one_line(sentence), DOUBT)]


def coverage_lines(recorded: RecordedCoverage, *, everything: bool) -> Iterator[Line]:
    """Return changes of the space, untried points, and the share. `everything`: do not shorten lists."""
    found, changed, path = recorded.coverage, recorded.changed, recorded.path
    style = DIM if recorded.updated else BAD
    for word, points in (("new", changed.new), ("gone", changed.gone)):
        yield from _listed(f"{word} points", [str(point) for point in points], style, everything=everything)
    if changed.exclusions:
        yield [("the exclusions have changed", style)]
    if changed:
        stale = f"{path} is out of date: run `harness coverage --update`"
        yield [(f"written: {path}" if recorded.updated else stale, style)]
    yield from _listed("not tried", [str(point) for point in found.untried], PLAIN, everything=everything)
    for protocol, counts in found.to_json()["by_protocol"].items():
        yield [(f"{protocol}: {counts['hit']} of {counts['points']}", PLAIN)]
    yield [(f"{len(found.hit)} of {len(found.space.points)} points hit and judged: {found.percent:.1f}%", BOLD)]
    yield from _past_lines(recorded)


def _past_lines(recorded: RecordedCoverage) -> Iterator[Line]:
    """Say which runs count, and whether they are too few."""
    past = recorded.past
    for sentence in past.unread:
        yield [(one_line(sentence), DOUBT)]
    sweep = f"sweep {past.sweep.folder.name}" if past.sweep else "no whole sweep of this commit"
    if past.gate is None:
        yield [(f"no whole gate here, so the floor is not judged: run `harness gate`; {sweep}", DOUBT)]
        return
    yield [(f"by gate {past.gate.run.id}; {sweep}", DIM)]
    if recorded.coverage.below_floor:
        yield [(recorded.coverage.below_floor, BAD)]


def _listed(title: str, lines: Sequence[str], style: str, *, everything: bool) -> Iterator[Line]:
    if not lines:
        return
    yield [(f"{title}: {len(lines)}", style or BOLD)]
    shown = lines if everything else lines[:SHOWN]
    yield from ([(f"  {line}", style)] for line in shown)
    if len(shown) < len(lines):
        yield [(f"  and {len(lines) - len(shown)} more: -v lists all", DIM)]
