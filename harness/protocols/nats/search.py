"""NATS, for the search."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import Searched

__all__ = ["SEARCHED"]

_ERRORS: Final = (ServerError("10008"), ServerError("10023"), ServerError("10077"), ServerError("503"))

SEARCHED: Final = Searched(errors=_ERRORS, repeatable=_ERRORS[:1])
