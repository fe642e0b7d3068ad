"""What runs now, for how long, and what was seen of it last."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from harness.history import Entry
from harness.history.events import EvidenceSeen, FaultActed, PhaseBegan, StepBegan
from harness.results.text import one_line


@dataclass(slots=True)
class Now:
    """Read by a thread that draws, written by the one that runs."""

    what: str
    began: float = field(default_factory=time.monotonic)
    phase: str = ""
    seen: str = ""
    steps: list[str] = field(default_factory=list)

    def saw(self, entry: Entry) -> None:
        """Take in an event of the run's history."""
        match entry.event:
            case PhaseBegan(phase):
                self.phase = phase
            case StepBegan(_, source):
                self.steps.append(source)
                self.seen = source
            case FaultActed(_, source):
                self.seen = source
            case EvidenceSeen(_, what, _, detail):
                self.seen = f"{what}: {detail}"
            case _:
                pass

    def __str__(self) -> str:
        """For a line."""
        seconds = f"{time.monotonic() - self.began:.0f} s"
        return one_line(", ".join(part for part in (f"{self.what}  {seconds}", self.phase, self.seen) if part))
