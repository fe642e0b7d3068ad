"""Keeps track of the runs that are going on: since when, and what was last seen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.history import Entry
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed, PhaseBegan, StepBegan
from harness.results.text import one_line


@dataclass(slots=True)
class Now:
    """Read by a thread that draws, written by the one that runs."""

    what: str
    began: float = field(default_factory=time.monotonic)
    phase: str = ""
    seen: str = ""
    fault: str = ""
    """The faults in force now, as last reported."""
    evidence: str = ""
    steps: list[str] = field(default_factory=list)
    _broken: dict[int, str] = field(default_factory=dict)

    def saw(self, entry: Entry) -> None:
        """Take in an event of the run's history."""
        match entry.event:
            case PhaseBegan(phase):
                self.phase = phase
            case StepBegan(_, step):
                self.steps.append(repr(step))
                self.seen = self.steps[-1]
            case FaultActed(number, fault):
                self._broken[number] = self.fault = repr(fault)
                self.seen = ""
            case FaultHealed(number):
                self._broken.pop(number, None)
                self.fault = next(reversed(self._broken.values()), "")
            case EvidenceSeen(_, what, _, detail):
                self.evidence, self.seen = f"{what}: {detail}", ""
            case _:
                pass

    def pieces(self) -> Sequence[tuple[str, str]]:
        """Return pieces for a line, each with its kind: `what`, `fault`, `evidence` or `seen`."""
        seconds = f"{self.what}  {time.monotonic() - self.began:.0f} s"
        found = [(seconds, "what"), (self.phase, "seen"), (self.fault and f"! {self.fault}", "fault")]
        found += [(self.evidence, "evidence"), (self.seen, "seen")]
        return [(one_line(text), kind) for text, kind in found if text]

    def __str__(self) -> str:
        """The same, without colours."""
        return ", ".join(text for text, _ in self.pieces())
