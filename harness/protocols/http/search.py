"""HTTP/1.x, for the search."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import Exclusion, Searched, Spot
from harness.protocols.http.wire.framing import TUNNEL

__all__ = ["SEARCHED"]

UNAVAILABLE: Final = ServerError("503")


SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")
"""RFC 9110, 9.2.1."""


def _writes(text: str) -> bool:
    return text.partition(" ")[0] not in SAFE


def _is_part(spot: Spot) -> bool:
    return spot.direction == "answered"


SEARCHED: Final = Searched(
    errors=(ServerError("500"), UNAVAILABLE, ServerError("429"), ServerError("404")),
    repeatable=(UNAVAILABLE,),
    exclusions=(
        Exclusion(
            ("late",),
            "answers over HTTP",
            "its clients send no request before the last answer has come, so it waits for ever: stall has that",
            lambda _: True,
        ),
        Exclusion(
            ("cut_after", "reset_after", "duplicate"),
            "what follows an upgrade",
            "it goes on until its connection ends, and these wait for its last byte",
            lambda each: each.place.message == TUNNEL,
        ),
    ),
    is_part=_is_part,
    writes=_writes,
)
