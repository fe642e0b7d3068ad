"""Decides whether a proof's reason distinguishes its failure from others."""

from __future__ import annotations

import re

from harness.checks.proof import Proof
from harness.checks.standing.order import STANDING, named
from harness.errors import UsageError


def check_reason(proof: Proof, place: str) -> None:
    """Raise UsageError for an unknown check, and for a `match` that is missing, broken or too wide."""
    check = named(proof.fails)
    if check is None:
        raise UsageError.at(place, "fails", proof.fails, "no such check", valid=[each.name for each in STANDING])
    if not isinstance(proof.match, str):
        raise UsageError.at(place, "match", proof.match, "not a regular expression", mend="write a string")
    if not proof.match and check.needs_match:
        raise UsageError.at(
            place, "match", proof.match, f"{proof.fails} can fail for many reasons, so the proof must name its own",
            mend="give a regular expression for the check's reason or the service's log",
        )  # fmt: skip
    try:
        expression = re.compile(proof.match)
    except re.error as problem:
        raise UsageError.at(
            place, "match", proof.match, f"not a regular expression: {problem}", mend="fix or escape it"
        ) from problem
    if proof.match and expression.search(check.says):
        raise UsageError.at(
            place, "match", proof.match, f"is found in every failure of {proof.fails}",
            mend="name words that only this failure has, for example what was waited for",
        )  # fmt: skip


__all__ = ["check_reason"]
