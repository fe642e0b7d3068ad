"""Describes a run of any verb: what was run, on what, and of which commit."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.results.model import RunInfo
from harness.results.revision import revision_of
from harness.suite.settings import SuiteSettings


@dataclass(frozen=True, slots=True)
class Command:
    """What the user typed. `verb`: the verb of the command line, or `pytest`.

    `words`: the whole line, split like in a shell.
    """

    verb: str
    words: Sequence[str]


def run_info(settings: SuiteSettings, *, folder_id: str, profile: str, command: Command) -> RunInfo:
    """Describe a run that begins now. `folder_id`: its results folder's; `profile`: the chosen one."""
    return RunInfo(
        id=folder_id,
        started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        command=shlex.join(command.words),
        verb=command.verb,
        seed=settings.seed,
        target=str(settings.target_file),
        profile=profile,
        platform=platform.platform(),
        revision=revision_of(settings.scenarios, settings.results),
        versions={**_own_version(), "python": sys.version.split()[0]},
    )


def _own_version() -> Mapping[str, str]:
    """The package's version; empty if the harness runs from its checkout, which the revision describes."""
    try:
        return {"harness": importlib.metadata.version("webhook-resilience-harness")}
    except importlib.metadata.PackageNotFoundError:
        return {}


__all__ = ["Command", "run_info"]
