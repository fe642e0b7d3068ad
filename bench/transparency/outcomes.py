"""The results of a suite's tests, and the differences between two runs. No clock, no servers."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from harness.errors import HarnessError


class Outcome(enum.StrEnum):
    """How a test ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


Outcomes = Mapping[str, Outcome]
"""A test's id to how it ended."""

_BY_TAG = {"failure": Outcome.FAILED, "error": Outcome.ERROR, "skipped": Outcome.SKIPPED}
_WORST_FIRST = (Outcome.ERROR, Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED)


@dataclass(frozen=True, slots=True)
class Difference:
    """A test with a different result through the relay. `None`: it did not run there."""

    test: str
    direct: tuple[Outcome | None, ...]
    relayed: tuple[Outcome | None, ...]

    @property
    def steady(self) -> bool:
        """Whether no direct run had the result of a relayed run; otherwise the test is unsteady by itself."""
        return not set(self.direct) & set(self.relayed)

    def __str__(self) -> str:
        """One line."""
        direct, relayed = (", ".join(each or "did not run" for each in tries) for tries in (self.direct, self.relayed))
        return f"{self.test}: direct {direct}; relayed {relayed}"


def read_junit(xml: str) -> dict[str, Outcome]:
    """Read pytest's JUnit XML. If a test and its teardown both failed, the worse result counts."""
    found: dict[str, Outcome] = {}
    try:
        root = ET.fromstring(xml)  # noqa: S314  # pytest has just written it, for this run
    except ET.ParseError as error:
        raise HarnessError(f"the suite left no readable results: {error}", hint="see its log") from error
    for case in root.iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        outcome = min((_outcome(child.tag) for child in case), key=_WORST_FIRST.index, default=Outcome.PASSED)
        found[test] = min(found.get(test, outcome), outcome, key=_WORST_FIRST.index)
    return found


def _outcome(tag: str) -> Outcome:
    return _BY_TAG.get(tag, Outcome.PASSED)


def differences(direct: Sequence[Outcomes], relayed: Sequence[Outcomes]) -> Sequence[Difference]:
    """Compare test by test; the first runs show which differ, further runs show how steadily."""
    tests = sorted({*direct[0], *relayed[0]})
    differ = [test for test in tests if direct[0].get(test) != relayed[0].get(test)]
    return [
        Difference(test, tuple(each.get(test) for each in direct), tuple(each.get(test) for each in relayed))
        for test in differ
    ]


def counted(outcomes: Outcomes) -> str:
    """Return the number of tests with each result."""
    counts = Counter(outcomes.values())
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in reversed(_WORST_FIRST) if counts[outcome])


def read_excused(text: str) -> dict[str, str]:
    """Read a list of tests that may differ: `TEST | REASON` lines. Raises HarnessError if a reason is missing."""
    excused: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        test, _, reason = (part.strip() for part in line.rpartition(" | "))
        if not test or not reason:
            raise HarnessError(f"line {number}: {line!r} has no reason", hint="write TEST | REASON")
        excused[test] = reason
    return excused
