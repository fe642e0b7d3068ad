"""Outcomes: what the answer to a request means for its sender. There are three."""

from __future__ import annotations

import enum


class Outcome(enum.Flag):
    """What the sender of a delivery may conclude from its answer.

    For example::

        await lab.deliver(expect=REFUSED | UNKNOWN)

    `|` says that several are allowed. The target description (`[answers]`) says which answer means which. The checks
    hold the service to it: an acknowledged delivery must be stored, a refused one must not, an unknown one may be
    either, and all three are stored at most once.
    """

    ACKNOWLEDGED = enum.auto()
    """The service has promised that the delivery is stored: the sender does not send it again."""
    REFUSED = enum.auto()
    """The delivery is not stored: the service has said so, or took no connection. The sender sends it again."""
    UNKNOWN = enum.auto()
    """The delivery may be stored or not: no answer came in time, a broken one came, or one that means this."""

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
