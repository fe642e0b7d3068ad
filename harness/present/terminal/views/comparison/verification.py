"""Shows on a terminal whether a candidate may replace the release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.compare.verification import Verification
from harness.present.looks import BAD, DOUBT, GOOD, look
from harness.present.terminal.pieces import Line, by_style
from harness.results.text import one_line


def verification_lines(found: Verification) -> Iterator[Line]:
    """Return the verdict, then its reasons, one line each."""
    tone = "held" if found.clean else "failed" if found.regressions else "inconclusive"
    yield [(found.verdict, look(tone).style)]
    for each in found.regressions:
        yield [(f"x {each.kind.value:18} ", BAD), (one_line(each.sentence), "")]
    lists: Sequence[tuple[str, str, str, Sequence[str]]] = (
        (look("inconclusive").mark, DOUBT, "could not be judged", found.not_told),
        (look("failed").mark, DOUBT, "as before", found.as_before),
        (look("held").mark, GOOD, "better", found.better),
    )
    for mark, style, title, sentences in lists:
        for sentence in sentences:
            yield by_style((f"{mark} {title:18} ", style), (one_line(sentence), ""))
