"""A problem of a whole run of the suite, beyond the verdicts of its runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

UNPROVED = "unproved"
"""The kind of finding for a scenario without a proof: its target may have no protection to switch off."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem.

    `section`: what found it, such as `ablation` or `baseline`. `subject`: the scenario or protection concerned. `kind`:
    the problem in a word or two. `sentence` names the subject.
    """

    section: str
    subject: str
    kind: str
    sentence: str
    inconclusive: bool = False
    """Whether it only says that something could not be determined."""
    warning: bool = False
    """Whether it is only shown, and does not change the exit status."""

    def to_json(self) -> dict[str, str | bool]:
        """Return a JSON object with the fields by name."""
        return asdict(self)
