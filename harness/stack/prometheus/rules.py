"""Reads production's alerting rules, and shortens their durations, so that a scenario can wait for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from harness.errors import UsageError
from harness.yaml_files import read_yaml

MS: Final[Mapping[str, int]] = {
    "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000,
}  # fmt: skip
"""Prometheus' units of time, in milliseconds."""
_PART = r"\d+(?:ms|[smhdwy])"
_DURATION = re.compile(rf"(?:{_PART})+")
_IN_EXPRESSION = re.compile(rf"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|\b(?:{_PART})+\b""")
"""A quoted text, which stays unchanged, or a duration: a range, a step, an offset."""
_OWN_DURATIONS: Final = ("for", "keep_firing_for")
MEND = "mend the file, as `promtool check rules` says"


def faster_rules(file: Path, faster: float) -> Mapping[str, Any]:
    """Return the content of a file of rules with each duration divided by `faster`.

    For example, with 30, `rate(errors_total[2m]) > 0` for `1m` becomes `rate(errors_total[4000ms]) > 0` for `2000ms`.

    Raises:
        UsageError: the file cannot be read, is not YAML, or has no rules where Prometheus looks for them.
    """
    try:
        document = read_yaml(file)
    except (OSError, ValueError) as problem:
        told = " ".join(str(problem).split())
        raise UsageError.at("alerts", "rules", str(file), f"cannot be read: {told}", mend=MEND) from problem
    try:
        groups = [_group(group, faster) for group in document["groups"]]
    except (KeyError, TypeError, AttributeError) as problem:
        raise UsageError.at("alerts", "rules", str(file), "has no groups of rules", mend=MEND) from problem
    return {"groups": groups}


def _group(group: Mapping[str, Any], faster: float) -> Mapping[str, Any]:
    """Return a group without its own interval: all groups are evaluated as often as the metrics are read."""
    rules = [_rule(rule, faster) for rule in group["rules"]]
    return {**{key: value for key, value in group.items() if key != "interval"}, "rules": rules}


def _rule(rule: Mapping[str, Any], faster: float) -> Mapping[str, Any]:
    own = {key: shorter(str(rule[key]), faster) for key in _OWN_DURATIONS if key in rule}
    return {**rule, "expr": _expression(str(rule["expr"]), faster), **own}


def _expression(text: str, faster: float) -> str:
    return _IN_EXPRESSION.sub(lambda found: found[0] if found[1] else shorter(found[0], faster), text)


def shorter(duration: str, faster: float) -> str:
    """Return a Prometheus duration divided by `faster`, at least a millisecond: `1m30s` by 30 is `3000ms`.

    Other text is returned unchanged; Prometheus reports what is wrong with it.
    """
    if not _DURATION.fullmatch(duration):
        return duration
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    ms = sum(int(number) * MS[unit] for number, unit in parts)
    return f"{max(1, round(ms / faster))}ms" if ms else duration
