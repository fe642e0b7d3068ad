"""Whether what a proof says of its failure tells that failure apart from others."""

from __future__ import annotations

import re
from typing import get_args

from harness.checks.proof import SAYS_ALWAYS, CheckName, Proof, StateCheck
from harness.errors import UsageError


def check_reason(proof: Proof, place: str) -> None:
    """Raise UsageError for a check that there is not, and for a `match` that is missing, broken or too wide."""
    if proof.fails not in get_args(CheckName):
        raise UsageError.at(place, "fails", proof.fails, "no such check", valid=get_args(CheckName))
    if not isinstance(proof.match, str):
        raise UsageError.at(place, "match", proof.match, "not a regular expression", mend="write a string")
    if not proof.match and proof.fails not in get_args(StateCheck):
        raise UsageError.at(
            place, "match", proof.match, f"many causes make {proof.fails} fail: this one must be told apart",
            mend="give a regular expression for the check's reason or the service's log",
        )  # fmt: skip
    try:
        expression = re.compile(proof.match)
    except re.error as problem:
        raise UsageError.at(
            place, "match", proof.match, f"not a regular expression: {problem}", mend="mend or escape it"
        ) from problem
    if proof.match and expression.search(SAYS_ALWAYS.get(proof.fails, "")):
        raise UsageError.at(
            place, "match", proof.match, f"is found in whatever {proof.fails} says: this failure must be told apart",
            mend="name what it alone says: what was waited for, say",
        )  # fmt: skip


__all__ = ["check_reason"]
