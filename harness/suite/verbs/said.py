"""Learns the service's log lines and metrics from past runs, and compares them with the approved ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.engine.said.approved import Approved, approved_of, file_of, write_approved
from harness.engine.said.learning import learnt
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.history.events import Event, FamilySaid, LineSaid, MetricsSaid
from harness.target import Target
from harness.vocabulary import from_json

SAID = f'"kind": "{LineSaid.kind}"', f'"kind": "{MetricsSaid.kind}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntSaid:
    """The approved lines and metrics, and those with the additions of these runs. `path`: the committed file."""

    path: Path
    runs: int
    approved: Approved
    learnt: Approved
    updated: bool

    @property
    def differences(self) -> Sequence[str]:
        """The differences by name: `line refused warning shed`, `metric webhook_reads_total`."""
        found = [
            " ".join(("line", *filter(None, name)))
            for name, line in self.learnt.lines.items() if self.approved.lines.get(name) != line
        ]  # fmt: skip
        return found + [
            f"metric {name}" for name, each in self.learnt.families.items() if self.approved.families.get(name) != each
        ]

    @property
    def status(self) -> ExitStatus:
        """Failed if the service has written lines or metrics that are not approved."""
        if not self.runs:
            return ExitStatus.NOTHING_RAN
        return ExitStatus.FAILED if self.differences and not self.updated else ExitStatus.HELD

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"runs": self.runs, "other": list(self.differences)}


def learn_said(target: Target, folders: Sequence[Path], *, update: bool) -> LearntSaid:
    """Read the histories below these folders, and write the file if asked to. Raises UsageError."""
    if target.description.log.fields is None:
        mend = "say in [log.fields] which field names the event"
        raise UsageError.at(
            str(target.path), "log", "fields", "the target does not describe its log's lines", mend=mend
        )
    path, approved = file_of(target), approved_of(target) or Approved()
    lines: list[LineSaid] = []
    families: list[FamilySaid] = []
    runs = 0
    for history in sorted(each for folder in folders for each in folder.rglob("history/*.jsonl")):
        said = list(_said_in(history, target))
        runs += bool(said)
        lines += (each for each in said if isinstance(each, LineSaid))
        families += (family for each in said if isinstance(each, MetricsSaid) for family in each.families)
    found = learnt(approved, lines, families)
    if update and runs:
        write_approved(found, path)
    return LearntSaid(path=path, runs=runs, approved=approved, learnt=found, updated=update and bool(runs))


def _said_in(history: Path, target: Target) -> Iterator[Event]:
    """A run's lines and metrics; none if the service lacked a protection, or had another profile."""
    with history.open(encoding="utf-8") as file:
        head = json.loads(file.readline() or "{}").get("data", {})
        if head.get("profile") != target.description.default_profile or head.get("without"):
            return
        for number, line in enumerate(file, start=2):
            if any(kind in line[:200] for kind in SAID):
                read = json.loads(line)
                place = f"{history}: line {number}"
                yield from_json({"kind": read["kind"], **read["data"]}, Event, place=place)


__all__ = ["LearntSaid", "learn_said"]
