"""Shows how the answers to variants differ from the approved ones."""

from __future__ import annotations

from collections.abc import Iterator

from harness.present.looks import BAD, BOLD, DIM, PLAIN
from harness.present.terminal.pieces import Line
from harness.results.text import one_line
from harness.suite.verbs.answers import RecordedAnswers

MEND = "if that is meant, run `python -m harness answers --update`"


def answers_lines(recorded: RecordedAnswers) -> Iterator[Line]:
    """Yield the answers that differ, and one line for all."""
    changed, seen, approved = recorded.changed, recorded.seen, recorded.approved
    for name in (*changed.other, *changed.new, *changed.gone):
        yield [(name, BOLD)]
        if name in approved:
            yield [(f"  - {one_line(str(approved[name]))}", DIM)]
        if name in seen:
            yield [(f"  + {one_line(str(seen[name]))}", PLAIN)]
    count = len(changed.other) + len(changed.new) + len(changed.gone)
    mend = "written again; review the difference" if recorded.updated else MEND
    told = f"{len(seen)} variants, {count} not as approved in {recorded.path}"
    yield [(f"{told}; {mend}" if changed else told, BAD if changed and not recorded.updated else PLAIN)]
