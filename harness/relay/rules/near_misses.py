"""Finds the messages that came closest to a rule that has not fired, and says how they differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from harness.relay.rules.rule import folded
from harness.relay.rules.rule_book import ArmedRule, Sight

LINES_MAX: Final = 10
TEXT_MAX: Final = 120
_ALIKE_MIN: Final = 0.5


def near_misses(armed: ArmedRule, sights: Iterable[Sight]) -> list[str]:
    """Describe the messages that nearly fitted and why they did not, closest first. At least one line."""
    if armed.under_way:
        return [f"what fits is under way, and only {armed.under_way}"]
    fitted = [f"what fits was seen {count} times, but {reason}" for reason, count in armed.missed.most_common()]
    sights = [sight for sight in sights if sight.count]
    if _wants_answer(armed):
        sights = [sight for sight in sights if sight.runs] or sights
    if not sights and not fitted:
        return ["no message at all was seen on this hop"]
    ranked = sorted((_distance(armed, sight), -sight.count, _line(armed, sight)) for sight in sights)
    # A statement fits a rule for its answer and nothing was matched: then the answer has not come.
    return [*fitted, *(line for distance, _, line in ranked if distance > 0 or not fitted)][:LINES_MAX]


def _distance(armed: ArmedRule, sight: Sight) -> float:
    """Count the conditions that do not hold; for a text, how different it is. 0: all hold."""
    return len(_unlike(armed, sight)) + (0 if _begins(armed, sight) else 2 * (1 - _likeness(armed, sight)) + 0.1)


def _line(armed: ArmedRule, sight: Sight) -> str:
    text = sight.text if len(sight.text) <= TEXT_MAX else f"{sight.text[:TEXT_MAX]}..."
    said = f"{sight.direction} {sight.name} {text!r} in phase {sight.phase}, {sight.count} times"
    wanted = _unlike(armed, sight)
    if not _begins(armed, sight):
        wanted.append(f"text {armed.rule.match.text!r}")
    return f"{said}: the rule wants {', '.join(wanted) if wanted else 'its answer, and that has not come as a whole'}"


def _unlike(armed: ArmedRule, sight: Sight) -> list[str]:
    """Name the conditions that do not hold, except for the text."""
    match = armed.rule.match
    wanted: list[str] = []
    if match.direction != sight.direction and not (_wants_answer(armed) and sight.runs):
        wanted.append(match.direction)
    if match.message is not None and match.message != sight.name:
        wanted.append(f"message {match.message}")
    if match.message is None and match.direction == sight.direction == "sent" and not sight.runs:
        wanted.append("the message that has the statement carried out")
    if match.phase not in (None, sight.phase):
        wanted.append(f"phase {match.phase}")
    return wanted


def _wants_answer(armed: ArmedRule) -> bool:
    """Whether the rule is for a whole answer, which is found by its statement."""
    return armed.rule.match.message is None and armed.rule.match.direction == "answered"


def _begins(armed: ArmedRule, sight: Sight) -> bool:
    return folded(sight.text).startswith(armed.prefix)


def _likeness(armed: ArmedRule, sight: Sight) -> float:
    """From 0 to 1; 0 for texts with almost nothing in common."""
    text = folded(sight.text)[: len(armed.prefix)]
    ratio = difflib.SequenceMatcher(None, armed.prefix, text, autojunk=False).ratio()
    return ratio if ratio >= _ALIKE_MIN else 0.0
