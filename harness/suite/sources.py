"""Keeps the source of each scenario as it was when it ran: its file may have changed before the report is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.results.files import write_atomically
from harness.scenario.scenario import Scenario

FOLDER = "sources"
LONGEST_NAME = 200


class KeptSources:
    """Writes `sources/THEME.NAME.py` into a run's folder, once for each function.

    `unwritten` gets each file that could not be written, and the reason.
    """

    def __init__(self, folder: Path, unwritten: Callable[[Path, str], None]) -> None:
        self._folder = folder / FOLDER
        self._unwritten = unwritten
        self._kept: dict[str, Path | None] = {}

    def of(self, scenario: Scenario) -> Path | None:
        """The file with the scenario's source; None if it has none, or could not be written."""
        name = f"{scenario.theme}.{scenario.written_as}"[:LONGEST_NAME]
        if name not in self._kept:
            self._kept[name] = self._written(name, scenario)
        return self._kept[name]

    def _written(self, name: str, scenario: Scenario) -> Path | None:
        text = scenario.text()
        if not text:
            return None
        path = self._folder / f"{name}.py"
        try:
            self._folder.mkdir(exist_ok=True)
            write_atomically(path, f"# {scenario.location}\n{text}")
        except OSError as problem:
            self._unwritten(path, str(problem))
            return None
        return path


__all__ = ["KeptSources"]
