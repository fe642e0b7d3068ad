"""How the client labels the end of a request (a closed list of three)."""

from __future__ import annotations

import enum


class Outcome(enum.Flag):
    """What the sender may conclude; members combine with `|` to say what is allowed."""

    ACKNOWLEDGED = enum.auto()
    """The service has promised that the delivery is stored."""
    REFUSED = enum.auto()
    """The delivery is definitely not stored."""
    UNKNOWN = enum.auto()
    """It may have been stored: no answer, a broken one, or one that says so."""

    def __repr__(self) -> str:
        """Python source, so that a printed step can be pasted into a scenario."""
        if self == ANY_OUTCOME:
            return "ANY_OUTCOME"
        return " | ".join(member.name or "" for member in self)

    def __str__(self) -> str:
        """Words for a sentence: `acknowledged or refused`."""
        return " or ".join((member.name or "").lower() for member in self)


ACKNOWLEDGED, REFUSED, UNKNOWN = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN
ANY_OUTCOME = ACKNOWLEDGED | REFUSED | UNKNOWN
