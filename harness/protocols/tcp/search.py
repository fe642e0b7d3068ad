"""Plain TCP, for the search."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.search import Exclusion, Searched

__all__ = ["SEARCHED"]

SEARCHED: Final = Searched(
    exclusions=(
        Exclusion(
            ("cut_after", "reset_after", "duplicate", "late"),
            "streams",
            "a stream goes on until its connection ends, and these wait for its last byte",
            lambda _: True,
        ),
    ),
)
