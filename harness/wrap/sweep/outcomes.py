"""The outcomes of a command's tests, if it writes a JUnit report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET  # the report of the user's own tests

from harness.errors import HarnessError
from harness.results.text import one_line

BAD: Final = {"failure": "failed", "error": "error"}
"""Elements of a report, and their outcomes."""
PYTEST_OPTIONS: Final = "PYTEST_ADDOPTS"
PYTEST_REPORT: Final = ("--junitxml", "--junit-xml")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Every test's outcome by its name, and the reasons of those that failed.

    An outcome is `passed`, `skipped`, `failed`, or `error`: pytest says so of a test whose fixture failed.
    """

    outcomes: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def outcomes_in(report: Path) -> Outcomes | None:
    """Read a report; None if there is none. Raises HarnessError for a file that is not a JUnit report."""
    try:
        root = ET.fromstring(report.read_bytes())  # noqa: S314 - the user's own tests have written it
    except FileNotFoundError:
        return None
    except ET.ParseError as problem:
        raise HarnessError(f"{report}: not a JUnit report: {problem}", hint="name the file with --junit") from problem
    outcomes: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = "::".join(part for part in (case.get("classname", ""), case.get("name", "")) if part)
        tag = next((tag for tag in BAD if case.find(tag) is not None), "")
        bad = case.find(tag) if tag else None
        if bad is not None:
            outcomes[name] = BAD[tag]
            reasons.setdefault(name, one_line((bad.get("message") or bad.text or "").strip().partition("\n")[0]))
        elif name not in outcomes:
            outcomes[name] = "skipped" if case.find("skipped") is not None else "passed"
    return Outcomes(outcomes, reasons)


def report_named(argv: Sequence[str]) -> Path | None:
    """The JUnit report that a pytest command line itself asks for."""
    for at, word in enumerate(argv):
        option, equals, value = word.partition("=")
        if option in PYTEST_REPORT:
            return Path(value) if equals else Path(*argv[at + 1 : at + 2])
    return None


def asking_pytest(env: Mapping[str, str], report: Path) -> Mapping[str, str]:
    """The environment in which pytest, wherever the command runs it, writes this report."""
    given = env.get(PYTEST_OPTIONS, "")
    return {**env, PYTEST_OPTIONS: f"{given} {PYTEST_REPORT[0]}={report}".strip()}
