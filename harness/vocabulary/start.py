"""What a start of the service is to come to."""

from __future__ import annotations

import enum
from typing import Final


class Start(enum.Flag):
    """What a start is to come to: `ALIVE`, or `ENDS` by itself before anybody can reach it."""

    ALIVE = enum.auto()
    ENDS = enum.auto()

    def __repr__(self) -> str:
        """Python source, so that a printed step can be pasted into a scenario."""
        return " | ".join(member.name or "" for member in self)


ENDS: Final = Start.ENDS
