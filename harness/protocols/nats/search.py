"""NATS, for the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import Searched, common_beginning
from harness.protocols.nats.wire.subjects import beginning_of

__all__ = ["SEARCHED"]


def _subject(texts: Sequence[str]) -> str:
    """Return operation and subject, up to the first part that differs each time: an id or a number."""
    return common_beginning([beginning_of(text) for text in texts])


_ERRORS: Final = (ServerError("10008"), ServerError("10023"), ServerError("10077"), ServerError("503"))


def _publishes(text: str) -> bool:
    return text.startswith("PUB ")


SEARCHED: Final = Searched(errors=_ERRORS, repeatable=_ERRORS[:1], beginning=_subject, writes=_publishes)
