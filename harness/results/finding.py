"""What is wrong with a whole run of the suite, beyond the verdicts of its runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of it.

    `section`: who found it, such as `ablation` or `baseline`. `subject`: what it is about, a scenario
    or a protection. `kind`: what is the matter, in a word or two. `sentence` names the subject.
    """

    section: str
    subject: str
    kind: str
    sentence: str
    inconclusive: bool = False
    """Whether it says only that something could not be told."""
    warning: bool = False
    """Whether it is shown only: the exit status is as without it."""

    def to_json(self) -> dict[str, str | bool]:
        """By name."""
        return asdict(self)
