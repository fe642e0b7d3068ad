"""What comes in, what is stored, and how far a request has come."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

SOURCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Who sends, as the path and the settings name it."""

Key = tuple[str, str]
"""A source and an id."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature and form were found good."""

    source: str
    id: str
    body: bytes
    sha256: str
    """Of the body, in hex."""

    @property
    def key(self) -> Key:
        """What no two rows share."""
        return self.source, self.id


@dataclass(frozen=True, slots=True)
class Stored:
    """A committed row, without its body."""

    source: str
    id: str
    sha256: str
    received_at: datetime
    repeated: bool
    """It was there before this request."""


class Phase(enum.StrEnum):
    """Where a request is; a failure is told apart by it."""

    RECEIVE = "receive"
    REDIS = "redis"
    CHECKOUT = "checkout"
    SELECT = "select"
    INSERT = "insert"
    COMMIT = "commit"
    RESOLVE = "resolve"


class Step(Protocol):
    """How far the statements of one request have come, or those of several at once."""

    phase: Phase
    in_doubt: bool


@dataclass(slots=True)
class Progress:
    """One request's way through the service; it changes as it goes."""

    source: str = ""
    delivery_id: str = ""
    phase: Phase = Phase.RECEIVE
    attempt: int = 1
    in_doubt: bool = False
    """A COMMIT was sent, and the server did not say that it undid it: whatever fails from then on, it may be stored."""
    tried: list[str] = field(default_factory=list)
    """The reasons of the failed attempts."""


class Shared:
    """The progress of several requests that one transaction stores: what happens to it happens to all of them."""

    def __init__(self, members: Sequence[Progress]) -> None:
        self._members = members

    @property
    def phase(self) -> Phase:
        """Where all of them are."""
        return self._members[0].phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        for each in self._members:
            each.phase = phase

    @property
    def in_doubt(self) -> bool:
        """Whether the COMMIT of all of them is."""
        return self._members[0].in_doubt

    @in_doubt.setter
    def in_doubt(self, in_doubt: bool) -> None:
        for each in self._members:
            each.in_doubt = in_doubt
