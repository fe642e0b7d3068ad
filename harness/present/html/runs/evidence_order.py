"""Orders a run's evidence: the evidence that is specific to this run comes first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from harness.results.model import EvidenceRead, RunRead, SummaryRead


class Telling:
    """Knows how many scenarios broke the same thing in the same way."""

    def __init__(self, summary: SummaryRead) -> None:
        own = [run for run in summary.runs if run.role == "scenario"]
        self._common = Counter(broken for run in own for broken in {_broken(each) for each in run.evidence})

    def of(self, run: RunRead) -> Sequence[str]:
        """Return one detail for each thing that was broken, what the fewest scenarios broke first."""
        details: dict[str, str] = {}
        for each in run.evidence:
            details.setdefault(_broken(each), each.detail)
        return [details[broken] for broken in sorted(details, key=lambda each: self._common[each])]


def _broken(evidence: EvidenceRead) -> str:
    return json.dumps([evidence.kind, evidence.fault], sort_keys=True)


__all__ = ["Telling"]
