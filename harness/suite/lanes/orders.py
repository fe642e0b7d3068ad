"""The orders of a session to the processes of its lanes, and their reports: plain values, which can be sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from harness.engine.configuration import RunConfiguration
from harness.history import Entry
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed, PhaseBegan, StepBegan
from harness.results import Role, RunKey

SHOWN = (PhaseBegan, StepBegan, FaultActed, FaultHealed, EvidenceSeen)
"""The events of a run that its watcher receives. Each costs the run a message to another process."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the service. `prepares_own`: its database is prepared by the copy, not by the original service."""

    directory: Path
    prepares_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A requested run. `repro`: the line that repeats it. `copy`: runs in place of the service."""

    key: RunKey
    role: Role
    seed: int
    patience_s: float | None
    folder: Path
    repro: str
    copy: Copy | None = None

    def configuration(self, tell: Tell) -> RunConfiguration:
        """Return the run's configuration, which reports what happens."""

        def watch(entry: Entry) -> None:
            if isinstance(entry.event, SHOWN):
                tell(HistoryGrew(entry))

        return RunConfiguration(
            profile=self.key.profile, without=self.key.without, seed=self.seed, patience_s=self.patience_s,
            folder=self.folder, role=self.role, watch=watch, repro=lambda _key, _seed: self.repro,
            unwritten=lambda path, problem: tell(Unwritten(path, problem)),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """A slow task runs outside of any scenario."""

    text: str


@dataclass(frozen=True, slots=True)
class HistoryGrew:
    """The history of the run has grown."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A file could not be written."""

    path: Path
    problem: str


@dataclass(frozen=True, slots=True)
class StackUp:
    """Servers were started in this time; `versions` by their names."""

    seconds: float
    versions: Mapping[str, str]


Told: TypeAlias = Progress | HistoryGrew | Unwritten | StackUp
Tell: TypeAlias = Callable[[Told], None]
