"""Subjects of NATS: which subscription gets a message, and which part is the same in every delivery."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["beginning_of", "fits", "shape_of"]

_NUMBER: Final = re.compile(r"\d+")
_ID: Final = re.compile(r"(?=.*\d)[A-Za-z0-9_-]{16,}|_INBOX")
"""Tokens that differ each time: an inbox, a NUID, a UUID, an id of the harness."""


def fits(pattern: str, subject: str) -> bool:
    """Whether a subscription to `pattern` gets messages with this subject."""
    wanted, tokens = pattern.split("."), subject.split(".")
    for place, word in enumerate(wanted):
        if word == ">":
            return len(tokens) > place
        if place == len(tokens) or word not in ("*", tokens[place]):
            return False
    return len(wanted) == len(tokens)


def beginning_of(text: str) -> str:
    """Return operation and subject, up to the first token that differs each time."""
    operation, _, subject = text.partition(" ")
    kept: list[str] = []
    for word in subject.split("."):
        if word.isdigit() or _ID.fullmatch(word):
            return f"{operation} {'.'.join(kept)}".strip()
        kept.append(word)
    return text


def shape_of(text: str) -> str:
    """Return operation and subject, with n for a number and ? for an id; a whole inbox is one ?."""
    operation, _, subject = text.partition(" ")
    shaped: list[str] = []
    for word in subject.split("."):
        if word == "_INBOX":
            shaped.append("?")
            break
        shaped.append(_NUMBER.sub("n", word) if not _ID.fullmatch(word) else "?")
    return f"{operation} {'.'.join(shaped)}".strip()
