"""Outcomes: what the answer to a request means for its sender."""

from __future__ import annotations

import enum


class Outcome(enum.Flag):
    """What the sender of a request may conclude from its answer.

    For example::

        await lab.deliver(expect=REFUSED | UNKNOWN)

    `|` says that several are allowed. The target description (`[outcomes]`) says which answer means which. The checks
    hold the service to it: what is acknowledged must be stored, what is refused must not, what is unknown may be
    either, and all are stored at most once.
    """

    ACKNOWLEDGED = enum.auto()
    """The service has promised that the delivery is stored: the sender does not send it again. Of a read: found."""
    REFUSED = enum.auto()
    """For now: nothing is stored. The service has said so, or took no connection. The sender sends it again."""
    UNKNOWN = enum.auto()
    """The delivery may be stored or not: no answer came in time, a broken one came, or one that means this."""
    ALREADY = enum.auto()
    """A repeat of what is stored: the sender does not send it again."""
    CONFLICT = enum.auto()
    """The id is taken by another body, which stays."""
    REJECTED = enum.auto()
    """Final: this request is wrong, nothing is stored, and sending it again is no use."""
    ABSENT = enum.auto()
    """Of a read: nothing is stored under this id."""
    THROTTLED = enum.auto()
    """The sender sends too much: nothing is stored, and it sends this again later."""

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
"""The sender of a delivery gives up: it must not get one of these for what is right and new."""
NO_WORD = REFUSED | THROTTLED | UNKNOWN
"""The service cannot say, for now. While something is broken it may always answer so."""
