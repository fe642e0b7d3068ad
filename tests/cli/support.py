"""Reading what a gate left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil


def summary_in(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / ".results" / "latest" / "summary.json").read_text("utf-8"))
    return found


def runs_by_id(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {run["id"]: run for run in summary["runs"]}


def lives(process: psutil.Process) -> bool:
    """Whether it is there, and more than a zombie."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
