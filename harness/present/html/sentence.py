"""Words the verdict on a whole run. It reads the recorded exit status and judges nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.present.looks import STATUSES
from harness.results.finding import UNPROVED
from harness.results.model import SummaryRead
from harness.results.text import counted, shortened

NAMED_MAX = 3
FINDING_CHARACTERS = 160
"""How much of the first problem beyond the runs is quoted. The table below shows all of it."""


@dataclass(frozen=True, slots=True)
class Headline:
    """`word`: the outcome. `tone`: the verdict that it looks like. `sentence`: one, for a reader in a hurry."""

    word: str
    tone: str
    sentence: str


def headline(summary: SummaryRead) -> Headline:
    """Return the headline for an exit status."""
    word, tone = STATUSES.get(summary.exit_status, (f"Exit status {summary.exit_status}", "inconclusive"))
    parts = list(_parts(summary)) or ["no scenario was run"]
    text = "; ".join(parts)
    return Headline(word, tone, f"{text[:1].upper()}{text[1:]}.")


def _parts(summary: SummaryRead) -> Iterator[str]:
    own = [run for run in summary.runs if run.role == "scenario"]
    for verdict, said in (("failed", "failed"), ("inconclusive", "inconclusive"), ("unavailable", "unavailable here")):
        ids = [run.id for run in own if run.verdict == verdict]
        if ids:
            yield f"{len(ids)} of {counted(len(own), 'scenario')} {said}: {named(ids)}"
    held = sum(1 for run in own if run.verdict == "held")
    if held:
        yield _held(held, len(own), summary)
    yield from _proofs(summary)
    told = [finding for finding in summary.findings if finding.kind != UNPROVED]
    if told:
        said = shortened(told[0].sentence.rstrip("."), FINDING_CHARACTERS)
        yield f"beyond the runs: {said}{_more(len(told) - 1)}"
    unproved = len(summary.findings) - len(told)
    if unproved:
        yield f"{unproved} {'scenario has' if unproved == 1 else 'scenarios have'} no proof"
    missing = set(summary.selection) - {run.id for run in summary.runs}
    if missing:
        yield f"{len(missing)} of {len(summary.selection)} were not run"


def _held(held: int, of: int, summary: SummaryRead) -> str:
    off = next((run.without for run in summary.runs if run.role == "scenario"), ())
    under = f" under {summary.run.profile}" + (f" without {', '.join(off)}" if off else "")
    if held < of:
        return f"{held} held{under}"
    return f"the scenario held{under}" if of == 1 else f"all {of} scenarios held{under}"


def _proofs(summary: SummaryRead) -> Iterator[str]:
    count = len(summary.proofs)
    wrong = summary.wrong_proofs
    if wrong:
        names = [f"{proof.id}: {proof.proof}, {proof.verdict}" for proof in wrong]
        yield f"{len(wrong)} of {counted(count, 'proof')} not proved: {named(names)}"
    elif count:
        yield "its one proof is proved" if count == 1 else f"all {count} proofs are proved"


def named(names: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    unique = list(dict.fromkeys(names))
    return f"{', '.join(unique[:NAMED_MAX])}{_more(len(unique) - NAMED_MAX)}"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
