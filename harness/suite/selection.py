"""Which scenarios a user means."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError, closest
from harness.scenario.scenario import Scenario


def select(scenarios: Sequence[Scenario], words: Sequence[str]) -> Sequence[Scenario]:
    """Return the scenarios that the words name, in the suite's order; all of them for no words.

    A word is an id, a scenario's name without its parameters, or a theme; the first of these that
    fits counts. Raises UsageError for a word that names nothing.
    """
    if not words:
        return scenarios
    wanted = {scenario.id for word in words for scenario in _meant(scenarios, word)}
    return [scenario for scenario in scenarios if scenario.id in wanted]


def _meant(scenarios: Sequence[Scenario], word: str) -> Sequence[Scenario]:
    for name_of in (_id, _name, _theme):
        found = [scenario for scenario in scenarios if name_of(scenario) == word]
        if found:
            return found
    known = {name_of(scenario) for scenario in scenarios for name_of in (_id, _name, _theme)}
    themes = ", ".join(sorted({scenario.theme for scenario in scenarios}))
    near = closest(word, known)
    parts = [f"command line: ID = {word!r}: no scenario, and no theme, has this name"]
    parts += [f"closest valid: {near!r}"] if near else []
    parts += [f"themes: {themes}"] if themes else ["there are no scenarios"]
    raise UsageError("; ".join(parts), hint=f"write {near!r}" if near else "leave it out to run all")


def _id(scenario: Scenario) -> str:
    return scenario.id


def _name(scenario: Scenario) -> str:
    return scenario.id.partition("[")[0]


def _theme(scenario: Scenario) -> str:
    return scenario.theme
