"""Shows the judged proofs as a table: each protection, and the scenarios that nothing proves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.present.looks import BOLD, look
from harness.present.terminal.pieces import Line, by_style
from harness.proof.teeth import Standpoint, Teeth, TeethVerdict, counted
from harness.results.text import one_line


def teeth_lines(teeth: Teeth) -> Iterator[Line]:
    """Return a line per protection, the scenarios that nothing proves, and the counts."""
    width = max((len(each.name) for each in teeth.protections), default=0)
    yield [("protections", BOLD)]
    for each in teeth.protections:
        yield _line(each, width)
    blunt = [each for each in teeth.scenarios if each.verdict is not TeethVerdict.PROVED]
    for each in blunt:
        yield _line(each, 0)
    yield [
        ("protections: ", ""), (_counts(teeth.protections), BOLD),
        ("; scenarios: ", ""), (_counts(teeth.scenarios), BOLD),
    ]  # fmt: skip


def _line(each: Standpoint, width: int) -> Line:
    looks = look(each.verdict)
    said = ", ".join(each.scenarios) or each.reason
    return by_style(
        (f"{looks.mark} {each.verdict.value:13} ", looks.style),
        (f"{each.name:{width}}", BOLD),
        (f"  {one_line(said)}", ""),
    )


def _counts(standpoints: Sequence[Standpoint]) -> str:
    found = counted(standpoints)
    return ", ".join(f"{count} {verdict.value}" for verdict, count in found.items()) or "none"
