"""How every verdict looks, wherever it is shown, and which of two is worse. This is the only such table.

A run, a cell of a sweep, a proof, a mutant and a protection share the words of their verdicts, and so their looks:
`look(Verdict.FAILED)` and `look(CellVerdict.FAILED)` are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

PLAIN, DIM, GOOD, BAD, DOUBT, BOLD = "", "dim", "green", "bold red", "yellow", "bold"
"""Styles of a terminal, as rich reads them."""
Tone = Literal["held", "failed", "silent", "doubt", "unmet", "na", "apart", "none"]
"""The colour classes of the pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How one word looks. Marks and letters are ASCII, so that they survive every terminal, log and code page.

    `mark`: in lists and tables. `letter`: in a map of the fault space, where few colours do not suffice.
    `style`: the terminal's. `tone`: the colour class of a page. `junit`: the element of a JUnit report, `""` for none.
    `symbol`: on GitHub. `meaning`: for a legend.
    """

    mark: str
    letter: str = ""
    style: str
    tone: Tone
    junit: str = ""
    symbol: str
    meaning: str = ""


def _bad(letter: str = "", style: str = BAD, tone: Tone = "failed", meaning: str = "") -> Look:
    return Look(mark="x", letter=letter, style=style, tone=tone, junit="failure", symbol="❌", meaning=meaning)


def _good(letter: str = "", meaning: str = "") -> Look:
    return Look(mark="+", letter=letter, style=GOOD, tone="held", symbol="✅", meaning=meaning)


_LOOKS: Mapping[str, Look] = {
    "failed": _bad("F", meaning="failed"),
    "unproved": _bad(),
    "toothless": _bad(),
    "survived": _bad(),
    "stillborn": _bad(),
    "misattributed": _bad(),
    "masked": _bad(),
    "silent": _bad("S", "magenta", "silent", "silently wrong (judged apart)"),
    "inconclusive": Look(
        mark="?", letter="?", style=DOUBT, tone="doubt", junit="error", symbol="❔",
        meaning="inconclusive: the fault did not strike",
    ),
    "unmet": Look(
        mark="?", letter="u", style=DIM, tone="unmet", junit="error", symbol="❔",
        meaning="unmet: no second try for the second fault",
    ),
    "unavailable": Look(mark="-", style=DIM, tone="na", junit="skipped", symbol="⬜"),
    "noticed": Look(
        mark="+", letter="n", style="cyan", tone="apart", symbol="✅", meaning="noticed (judged apart)"
    ),
    "equivalent": Look(mark="=", style=DIM, tone="na", symbol="⬜"),
    "held": _good("h", "held: stored once or honestly refused"),
    "proved": _good(),
    "killed": _good(),
}  # fmt: skip
"""By the verdict's word, the worst first."""
_RANKS: Mapping[str, int] = {word: rank for rank, word in enumerate(_LOOKS)}
LEGEND = ("held", "failed", "inconclusive", "unavailable")
STATUSES: Mapping[int | None, tuple[str, str]] = {
    0: ("Held", "held"),
    1: ("Failed", "failed"),
    2: ("Interrupted", "inconclusive"),
    3: ("Inconclusive", "inconclusive"),
    4: ("Usage error", "inconclusive"),
    5: ("Nothing ran", "inconclusive"),
    None: ("Unfinished", "inconclusive"),
}
"""An exit status in a word, and the verdict that it looks like. None: the run was killed, or has not ended."""


def look(verdict: str) -> Look:
    """Return how a verdict looks. Raises KeyError for an unknown word."""
    return _LOOKS[verdict]


def rank(verdict: str) -> int:
    """The place of a verdict among all, 0 the worst: a key to sort by."""
    return _RANKS[verdict]


def legend() -> str:
    """The marks of a run's verdicts, for below a table: `+ held  x failed  ? inconclusive  - unavailable`."""
    return "  ".join(f"{look(word).mark} {word}" for word in LEGEND)
