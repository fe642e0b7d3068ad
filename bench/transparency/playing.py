"""Runs a suite's tests against a separate server, direct or through the relay."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.transparency.addresses import Place, place_of
from bench.transparency.outcomes import Outcome, read_junit
from bench.transparency.suites import Suite
from harness.errors import HarnessError
from harness.processes.keeper import ProcessSpec

WITHIN_S = 3600.0
TESTS_RAN = (0, 1)
"""pytest's exit statuses after all tests have run: passed, and some failed."""
PASSED_ON = ("PATH", "LANG", "TZ", "TMPDIR")
# Of the suite's own options these would only fill the disk.
QUIET = ("-q", "--capture=fd", "-o", "log_cli=false", "-o", "addopts=", "-p", "no:cacheprovider")


@dataclass(frozen=True, slots=True)
class Played:
    """How each test ended, and how many connections passed through the relay."""

    outcomes: Mapping[str, Outcome]
    connections: int


@dataclass(slots=True)
class Player:
    """Runs a suite. `logs`: the folder for each run's log and results, numbered. `tls`: through the relay, in TLS."""

    suite: Suite
    python: Path
    tests: Path
    logs: Path
    tls: bool = False
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def play(self, *, relayed: bool, arguments: Sequence[str] = ()) -> Played:
        """Run the tests on a fresh server. Raises HarnessError when pytest itself fails."""
        name = f"{next(self.numbers)}-{'relayed' if relayed else 'direct'}"
        results = self.logs / f"{name}.xml"
        suite, tls = self.suite, relayed and self.tls
        async with place_of(suite.protocol, suite.starts, self.logs, relayed=relayed, tls=tls) as place:
            await self._pytest(place, (*arguments, f"--junitxml={results}"), name)
        return Played(read_junit(results.read_text("utf-8")), place.connections)

    async def _pytest(self, place: Place, words: Sequence[str], name: str) -> None:
        inherited = {key: os.environ[key] for key in PASSED_ON if key in os.environ}
        further, environment = self.suite.told(place.server, place.address)
        settled = {"HOME": str(place.home), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        process = place.keeper.spawn(
            ProcessSpec(
                name="pytest",
                argv=(str(self.python), "-m", "pytest", *QUIET, "tests", *further, *words),
                env={**inherited, **settled, **environment},
                cwd=self.tests,
                log=self.logs / f"{name}.log",
            )
        )
        status = await asyncio.to_thread(process.wait, WITHIN_S)
        if status not in TESTS_RAN:
            raise HarnessError(f"pytest ended with status {status}:\n{process.log.tail()}", hint="see its log")
