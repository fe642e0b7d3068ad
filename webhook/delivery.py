"""What comes in, what is stored, and how far a request has come."""

import enum
import re
from dataclasses import dataclass, field
from datetime import datetime

SOURCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Who sends, as the path and the settings name it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose signature and form were found good."""

    source: str
    id: str
    body: bytes
    sha256: str
    """Of the body, in hex."""


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
