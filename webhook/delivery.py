"""Incoming deliveries, stored rows, and the progress of a request."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

SOURCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The sender, by its name in the path and the settings."""

Key = tuple[str, str]
"""A source and an id."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery with a valid signature and form."""

    source: str
    id: str
    body: bytes
    sha256: str
    """The body's digest, in hex."""

    @property
    def key(self) -> Key:
        """The key, which no two rows share."""
        return self.source, self.id


@dataclass(frozen=True, slots=True)
class Stored:
    """A committed row, without its body."""

    source: str
    id: str
    sha256: str
    received_at: datetime
    repeated: bool
    """It was stored before this request."""


class Phase(enum.StrEnum):
    """The phase of a request; it tells failures apart."""

    RECEIVE = "receive"
    REDIS = "redis"
    CHECKOUT = "checkout"
    SELECT = "select"
    INSERT = "insert"
    COMMIT = "commit"
    RESOLVE = "resolve"


class Step(Protocol):
    """The progress of one request's statements, or of several requests' at once."""

    phase: Phase
    in_doubt: bool


@dataclass(slots=True)
class Progress:
    """The progress of one request through the service; it changes during the request."""

    source: str = ""
    delivery_id: str = ""
    phase: Phase = Phase.RECEIVE
    attempt: int = 1
    in_doubt: bool = False
    """A COMMIT was sent, and the server has not reported a rollback: after any later failure the delivery may be
    stored."""
    tried: list[str] = field(default_factory=list)
    """The reasons of the failed attempts."""


class Shared:
    """The progress of several requests that one transaction stores: it is the same for all of them."""

    def __init__(self, members: Sequence[Progress]) -> None:
        self._members = members

    @property
    def phase(self) -> Phase:
        """The phase of all of them."""
        return self._members[0].phase

    @phase.setter
    def phase(self, phase: Phase) -> None:
        for each in self._members:
            each.phase = phase

    @property
    def in_doubt(self) -> bool:
        """Whether the COMMIT of all of them is in doubt."""
        return self._members[0].in_doubt

    @in_doubt.setter
    def in_doubt(self, in_doubt: bool) -> None:
        for each in self._members:
            each.in_doubt = in_doubt
