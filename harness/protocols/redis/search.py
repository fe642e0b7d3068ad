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
    errors=(
        ServerError("LOADING", "Redis is loading the dataset in memory"),
        ServerError("READONLY", "You can't write against a read only replica."),
        ServerError("OOM", "command not allowed when used memory > 'maxmemory'."),
        ServerError("BUSY", "Redis is busy running a script."),
        ServerError("MASTERDOWN", "Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
        ServerError("NOAUTH", "Authentication required."),
        ServerError("MOVED", "3999 127.0.0.1:6381"),
    ),
    beginning=_command,
)
