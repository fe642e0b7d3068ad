"""Redis, for the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import Searched

__all__ = ["SEARCHED"]


def _command(texts: Sequence[str]) -> str:
    """Return the command's name: keys differ from service to service."""
    return texts[0].partition(" ")[0]


SEARCHED: Final = Searched(
    errors=(  # with the texts of `errors.py`
        ServerError("LOADING"),
        ServerError("READONLY"),
        ServerError("OOM"),
        ServerError("BUSY"),
        ServerError("MASTERDOWN"),
        ServerError("NOAUTH"),
        ServerError("MOVED"),
    ),
    beginning=_command,
)
