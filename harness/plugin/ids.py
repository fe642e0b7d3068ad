"""Ids of parameters. A scenario's id is also a file name and a JUnit name."""

from __future__ import annotations

import re
import sys

LONGEST_ID = 150
"""The maximum number of characters. With profile, protections and an ending it must still be a file's name (255
bytes)."""
_UNFIT = re.compile(r"[^A-Za-z0-9._=+\-\[\]]")
_VOCABULARY = "harness.vocabulary"


def parameter_id(value: object) -> str | None:
    """Return the id of a parameter's value; None leaves it to pytest.

    While the vocabulary is not imported, no value can belong to it. So ordinary tests do not pay for its import.
    """
    if _VOCABULARY not in sys.modules:
        return None
    from harness.vocabulary import Outcome, Value  # noqa: PLC0415  # already imported

    if isinstance(value, Outcome):
        return "+".join((member.name or "").lower() for member in value)
    if isinstance(value, Value):
        return str(value)
    if isinstance(value, list | tuple) and value and all(isinstance(item, Value) for item in value):
        return "+".join(str(item) for item in value)
    return None


def unfit_characters(name: str) -> str:
    """Return the forbidden characters of an id, each once."""
    return "".join(dict.fromkeys(_UNFIT.findall(name)))
