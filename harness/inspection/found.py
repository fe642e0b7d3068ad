"""What an inspection has found about one key of the description."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import HarnessError
from harness.results.places import shown
from harness.target import Target

CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One key or table that was tried. `saw`: the result; `problem`: why it is wrong, if it is."""

    what: str
    saw: str = ""
    problem: HarnessError | None = None


def place_of(target: Target, table: str) -> str:
    """The file and the table, as errors name them: `scenarios/target.toml: [service]`."""
    return f"{shown(str(target.path))}: [{table}]"


def excerpt(text: str) -> str:
    """The beginning of a text that a service wrote, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= CHARACTERS else f"{line[:CHARACTERS]} ..."


def last_line(log: str) -> str:
    """The last line that is not empty, in which a program usually says why it ends."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return excerpt(lines[-1]) if lines else "(it wrote nothing)"


def beginnings(log: str, count: int = 5) -> str:
    """The last lines of a program's output, each shortened, for an error."""
    lines = [excerpt(line) for line in log.splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "nothing"
