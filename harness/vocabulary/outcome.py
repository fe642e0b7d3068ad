"""Outcomes: what the answer to a request means for its sender."""

from __future__ import annotations

import enum


class Outcome(enum.Flag):
    """What an answer tells the sender of the request.

    For example::

        await lab.deliver(expect=REFUSED | UNKNOWN)

    `|` joins several allowed outcomes. The target description (`[outcomes]`) says which answer has which outcome. The
    checks use it: an acknowledged delivery must be stored, a refused one must not be stored, an unknown one may be
    either, and each is stored at most once.
    """

    ACKNOWLEDGED = enum.auto()
    """The service has promised that the delivery is stored: the sender does not send it again. Of a read: found."""
    REFUSED = enum.auto()
    """Nothing is stored now. The service said so, or accepted no connection. The sender sends the delivery again."""
    UNKNOWN = enum.auto()
    """The delivery may or may not be stored. No answer came in time, or the answer was broken, or it says so itself."""
    ALREADY = enum.auto()
    """The same delivery is already stored: the sender does not send it again."""
    CONFLICT = enum.auto()
    """Another body is stored under this id, and stays there."""
    REJECTED = enum.auto()
    """Final: the request is wrong, nothing is stored, and sending it again does not help."""
    ABSENT = enum.auto()
    """For a read: nothing is stored under this id."""
    THROTTLED = enum.auto()
    """The sender sends too much: nothing is stored, and the sender sends this delivery again later."""

    def __repr__(self) -> str:
        """Python source, so that a printed step can be pasted into a scenario."""
        if self == ANY_OUTCOME:
            return "ANY_OUTCOME"
        return " | ".join(member.name or "" for member in self)

    def __str__(self) -> str:
        """Words for a sentence: `acknowledged or refused`."""
        if self == ANY_OUTCOME:
            return "any outcome"
        return " or ".join((member.name or "").lower() for member in self)


ACKNOWLEDGED, REFUSED, UNKNOWN = Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.UNKNOWN
ALREADY, CONFLICT, REJECTED = Outcome.ALREADY, Outcome.CONFLICT, Outcome.REJECTED
ABSENT, THROTTLED = Outcome.ABSENT, Outcome.THROTTLED
ANY_OUTCOME = ~Outcome(0)
CONFIRMED = ACKNOWLEDGED | ALREADY
"""The service says that the delivery is stored."""
NOT_STORED = REFUSED | THROTTLED | REJECTED
"""The service says that this request stored nothing."""
FINAL_NO = REJECTED | ABSENT | CONFLICT
"""The sender of a delivery gives up. A valid new delivery must never get one of these."""
NO_WORD = REFUSED | THROTTLED | UNKNOWN
"""The service cannot say now. While something is broken, it may always give this answer."""
