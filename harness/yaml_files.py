"""Reads YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def read_yaml(path: Path) -> Any:
    """Read one document.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no YAML.
    """
    import yaml  # noqa: PLC0415  # 15 ms, and few projects have a file that the harness reads

    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as problem:
        raise ValueError(str(problem)) from problem
