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
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it has ended between the two questions
        return False


def name_of(process: psutil.Process) -> str:
    """Its name; nothing if it has ended since it was found."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def command_of(process: psutil.Process) -> list[str]:
    """Its command line; nothing if it has ended since it was found."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
