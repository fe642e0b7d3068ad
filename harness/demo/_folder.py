"""Where the demo is, installed or not."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
SCENARIOS = FOLDER / "scenarios"
FILES = ("service.py", "scenarios/__init__.py", "scenarios/careless.py", "scenarios/target.toml")
"""What a copy contains, relative to FOLDER: everything that is not the harness's own."""

__all__ = ["FILES", "FOLDER", "SCENARIOS"]
