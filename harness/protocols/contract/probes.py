"""What a run asks of a server about one service: its sessions, its rows, what waits. By the server's own word.

A protocol's `Own` makes its probe: see `contract.storage`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from harness.vocabulary import Moment

__all__ = ["ANSWERED_WITHIN_S", "Look", "NotUnderstoodError", "Probe", "Said", "SessionCount", "UnaskedProbe"]

ANSWERED_WITHIN_S: Final = 10.0
"""Limit for each answer of a probe."""


@dataclass(frozen=True, slots=True)
class SessionCount:
    """How many sessions the service has on one link, and how many of them are not idle."""

    open: int
    busy: int


@dataclass(frozen=True, slots=True)
class Look:
    """Whether a moment has come, and what was seen: the evidence, or what was there instead."""

    reached: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a server answered to a text that it was to execute. `effective`: whether that is evidence of an effect."""

    text: str
    effective: bool


class NotUnderstoodError(Exception):
    """The server does not understand the text. The message says so in the server's words."""


class Probe(Protocol):
    """Asks a server about one service, past relay and Toxiproxy. Bound to the event loop that uses it.

    A session is opened when it is first needed, kept, and opened again where a fault has ended it. One question at a
    time: callers may ask concurrently. Each question may raise one of `errors`; TimeoutError, which is an OSError, when
    there is no answer in ANSWERED_WITHIN_S.
    """

    errors: ClassVar[tuple[type[Exception], ...]]
    """What a question raises where the server cannot be asked, or refuses the question."""

    async def close(self) -> None:
        """End the session. Idempotent."""
        ...

    async def idle(self) -> int:
        """Count the service's connections that are open and have nothing under way."""
        ...

    async def sessions(self) -> SessionCount | None:
        """Count the service's sessions; None where `About.counts_sessions` is false."""
        ...

    async def blocked(self) -> int:
        """Count the service's sessions that wait for what another session holds; 0 where there is no such thing."""
        ...

    async def rows(self, query: str, ids: Sequence[str] | None) -> Sequence[tuple[str, str, int]]:
        """Return id, digest and number of copies of what is stored: of these ids, or of all.

        `query`: the target's, `[stored] sql`. Only called where `About.stores` is true.
        """
        ...

    async def look(self, moment: Moment) -> Look | None:
        """Look whether a moment of the protocol's own words has come; None for a moment of any other."""
        ...


class UnaskedProbe:
    """What a protocol answers whose servers are not asked: nothing but what its subclass overrides."""

    errors: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    async def close(self) -> None:
        """There is no session."""

    async def idle(self) -> int:
        """Count none."""
        return 0

    async def sessions(self) -> SessionCount | None:
        """They are not counted."""
        return None

    async def blocked(self) -> int:
        """Nothing waits."""
        return 0

    async def rows(self, query: str, ids: Sequence[str] | None) -> Sequence[tuple[str, str, int]]:
        """There are none."""
        del query, ids
        return ()

    async def look(self, moment: Moment) -> Look | None:
        """The protocol has no moments of its own."""
        del moment
        return None
