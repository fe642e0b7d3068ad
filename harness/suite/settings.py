"""The settings of a suite, whether they come from the command line, pytest's options or an ini file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from harness.stack import StackConfiguration
from harness.target import Target

TARGET_FILE = "target.toml"
SCENARIOS = Path("scenarios")
RESULTS = Path(".results")
SuiteName = Literal["own", "standard"]
"""The scenarios beside the target, or the ones that the harness makes from the target alone."""
SUITES: tuple[SuiteName, ...] = get_args(SuiteName)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSettings:
    """`profile`: None is the target's default one. `target`: None is `target.toml` beside the scenarios.

    `jobs`: how many scenarios run at once, each on its own servers.
    `seed` is 0 unless given, so that a gate does the same each time. `patience_s` is the clients' own limit
    on a request. `strict`: a scenario that the machine cannot run fails the gate, listed or not.
    """

    scenarios: Path = SCENARIOS
    suite: SuiteName = "own"
    target: Path | None = None
    profile: str | None = None
    without: tuple[str, ...] = ()
    seed: int = 0
    strict: bool = False
    results: Path = RESULTS
    patience_s: float | None = None
    jobs: int = 1
    stack: StackConfiguration = field(default_factory=StackConfiguration)

    @property
    def target_file(self) -> Path:
        """The description of the service under test."""
        return self.target or self.scenarios / TARGET_FILE

    def options(self) -> tuple[str, ...]:
        """Return the options that give the same settings again, except profile, protections and seed.

        Defaults are left out.
        """
        return tuple(self._options())

    def _options(self) -> Iterator[str]:
        plain = SuiteSettings()
        if self.scenarios != plain.scenarios:
            yield from ("--scenarios", str(self.scenarios))
        if self.suite != plain.suite:
            yield from ("--suite", self.suite)
        if self.target is not None:
            yield from ("--target", str(self.target))
        if self.patience_s is not None:
            yield from ("--patience", f"{self.patience_s:g}")
        for option in self.stack.asked_for():
            yield from option


def check_profile(settings: SuiteSettings, target: Target) -> str:
    """Return the chosen profile. Raises UsageError for a profile or a protection that the target does not have."""
    profile = settings.profile or target.description.default_profile
    target.settings(profile, settings.without)
    return profile


def names_given(texts: Iterable[str]) -> tuple[str, ...]:
    """Read names, one for each option or several separated by commas; duplicates are dropped."""
    names = [name.strip() for text in texts for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))
