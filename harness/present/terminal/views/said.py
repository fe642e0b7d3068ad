"""Shows which lines and metrics of a service are not as approved."""

from __future__ import annotations

from collections.abc import Iterator

from harness.results.text import counted
from harness.suite.verbs.said import LearntSaid

MEND = "if that is meant, run `python -m harness said --update`"


def said_lines(found: LearntSaid) -> Iterator[str]:
    """Yield the differences, and one line for all."""
    other = found.differences
    yield from other
    told = f"{counted(found.runs, 'run')}, {len(other)} not as approved in {found.path}"
    mend = "added; review the difference" if found.updated else MEND
    yield f"{told}; {mend}" if other else told
