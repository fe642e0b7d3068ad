"""Finds scenarios that nothing shows to be able to fail: without a proof, or with one that is not finished.

`harness new` leaves `match="TODO"`, and such a proof proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.results.finding import UNPROVED, Finding
from harness.scenario.scenario import Scenario

SECTION = "drafts"


def draft_findings(scenario: Scenario, *, strict: bool) -> Iterator[Finding]:
    """Return a finding for a scenario without a proof, and for each proof whose `match` is still TODO.

    Each is a warning, or a failure if the suite is `strict`: a new scenario may be run while its author looks for the
    reason, and a target may have no protections. A strict gate accepts only finished proofs. A scenario that no author
    wrote needs none.
    """
    if not scenario.proofs and not scenario.source:
        sentence = f"{scenario.id}: unproved: nothing shows that it can fail"
        yield Finding(SECTION, scenario.id, UNPROVED, sentence, warning=not strict)
    for proof in scenario.proofs:
        if proof.is_draft:
            sentence = f"{scenario.id}: the proof of {proof} is not written: `match` is still TODO"
            yield Finding(SECTION, scenario.id, "proof not written", sentence, warning=not strict)


def draft_note(scenario: Scenario) -> str:
    """Return the note for a run's line; empty if every proof is finished."""
    drafts = [str(proof) for proof in scenario.proofs if proof.is_draft]
    return f"not written: `match` is still TODO for {', '.join(drafts)}" if drafts else ""
