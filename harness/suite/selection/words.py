"""Selects the scenarios that a user means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.errors import UsageError, closest
from harness.results.text import counted
from harness.scenario.scenario import Scenario

SCENARIO, THEME = "scenario:", "theme:"
"""Prefixes for a name that is both a scenario and a theme."""


def select(scenarios: Sequence[Scenario], words: Sequence[str], *, nightly: bool = True) -> Sequence[Scenario]:
    """Return the scenarios that the words name, in the suite's order.

    No words mean all of them; nightly ones only with `nightly`. A word is an id, a scenario's name without its
    parameters, or a theme; `scenario:WORD` and `theme:WORD` say which. Raises UsageError for a word that names nothing,
    and for one that names a scenario and, with others, a theme.
    """
    if not words:
        return [scenario for scenario in scenarios if nightly or not scenario.nightly]
    wanted = {scenario.id for word in words for scenario in _meant(scenarios, word)}
    return [scenario for scenario in scenarios if scenario.id in wanted]


def ambiguous_words(scenarios: Iterable[Scenario]) -> frozenset[str]:
    """Return the names that mean both a scenario and a theme with other scenarios.

    They are refused without a prefix.
    """
    known = list(scenarios)
    words = {name for scenario in known for name in (scenario.id, scenario.name)} & {each.theme for each in known}
    return frozenset(word for word in words if set(_named(known, word)) != set(_of_theme(known, word)))


def _meant(scenarios: Sequence[Scenario], word: str) -> Sequence[Scenario]:
    if word.startswith(SCENARIO):
        named, of_theme = _named(scenarios, word.removeprefix(SCENARIO)), []
    elif word.startswith(THEME):
        named, of_theme = [], _of_theme(scenarios, word.removeprefix(THEME))
    else:
        named, of_theme = _named(scenarios, word), _of_theme(scenarios, word)
    if named and of_theme and set(named) != set(of_theme):
        both = f"is a scenario ({counted(len(named), 'run')}), and a theme ({counted(len(of_theme), 'scenario')})"
        raise UsageError(f"command line: ID = {word!r}: {both}", hint=_either(word))
    if named or of_theme:
        return named or of_theme
    known = {name for scenario in scenarios for name in (scenario.id, scenario.name, scenario.theme)}
    themes = ", ".join(sorted({scenario.theme for scenario in scenarios}))
    near = closest(word, known)
    parts = [f"command line: ID = {word!r}: no scenario, and no theme, has this name"]
    parts += [f"closest valid: {near!r}"] if near else []
    parts += [f"themes: {themes}"] if themes else ["there are no scenarios"]
    raise UsageError("; ".join(parts), hint=_mend(scenarios, near))


def _mend(scenarios: Sequence[Scenario], near: str | None) -> str:
    if near is None:
        return "leave it out to run all"
    return _either(near) if near in ambiguous_words(scenarios) else f"write {near!r}"


def _either(word: str) -> str:
    return f"write {SCENARIO}{word} or {THEME}{word}"


def _named(scenarios: Sequence[Scenario], word: str) -> list[Scenario]:
    """Return the scenario with this id, or otherwise all scenarios with this name."""
    return [each for each in scenarios if each.id == word] or [each for each in scenarios if each.name == word]


def _of_theme(scenarios: Sequence[Scenario], word: str) -> list[Scenario]:
    return [each for each in scenarios if each.theme == word]
