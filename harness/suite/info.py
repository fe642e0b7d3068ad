"""What is told of a run, whichever verb began it: what was run, on what, of which commit."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Sequence

from harness.results.revision import revision_of
from harness.results.summary import RunInfo
from harness.suite.settings import SuiteSettings


def run_info(settings: SuiteSettings, *, folder_id: str, profile: str, command: Sequence[str]) -> RunInfo:
    """Tell of a run that begins now. `folder_id`: its results folder's; `profile`: the one that is meant."""
    return RunInfo(
        id=folder_id,
        started_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        command=shlex.join(command),
        seed=settings.seed,
        target=str(settings.target_file),
        profile=profile,
        platform=platform.platform(),
        revision=revision_of(settings.scenarios, settings.results),
        versions={"harness": _own_version(), "python": sys.version.split()[0]},
    )


def _own_version() -> str:
    try:
        return importlib.metadata.version("webhook-resilience-harness")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


__all__ = ["run_info"]
