"""The questions that a run asks a server about one service: its sessions, its rows, its waits for locks.

A protocol's `Own` makes its probe: see `contract.storage`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from harness.vocabulary import Moment

__all__ = [
    "ANSWERED_WITHIN_S",
    "MomentState",
    "NotUnderstoodError",
    "Probe",
    "Said",
    "SessionCount",
    "UnaskedProbe",
    "UnreachedError",
]

ANSWERED_WITHIN_S: Final = 10.0
"""Limit for each answer of a probe."""


@dataclass(frozen=True, slots=True)
class SessionCount:
    """The number of the service's sessions on one link, and of the busy ones among them."""

    open: int
    busy: int


@dataclass(frozen=True, slots=True)
class MomentState:
    """Whether a moment has come, and the observation: the evidence, or what happened instead."""

    reached: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Said:
    """A server's answer to a text that it executed. `effective`: whether the answer is evidence of an effect."""

    text: str
    effective: bool


class NotUnderstoodError(Exception):
    """The server does not understand the text, or reports an error. The message is the server's."""


class UnreachedError(Exception):
    """No session could be opened, so the server has executed nothing. Its cause is the client library's error."""


class Probe(Protocol):
    """Asks a server about one service, without relay and Toxiproxy. Bound to the event loop that uses it.

    A session is opened when it is first needed, kept, and opened again if a fault has ended it. Callers may ask
    concurrently; the queries run one after the other. Each may raise one of `errors`, and TimeoutError, which is an
    OSError, if there is no answer in ANSWERED_WITHIN_S.
    """

    errors: ClassVar[tuple[type[Exception], ...]]
    """The errors of a query if the server cannot be reached, or refuses it."""

    async def close(self) -> None:
        """End the session. Idempotent."""
        ...

    async def idle(self) -> int:
        """Count the service's open connections without a request under way."""
        ...

    async def sessions(self) -> SessionCount | None:
        """Count the service's sessions; None if `About.counts_sessions` is false."""
        ...

    async def blocked(self) -> int:
        """Count the service's sessions that wait for a lock of another session; 0 for servers without locks."""
        ...

    async def unsettled(self) -> int:
        """Count the messages that a queue must still deliver to the service, or that are not acknowledged.

        0 without queues.
        """
        ...

    async def rows(self, query: str, ids: Sequence[str] | None) -> Sequence[tuple[str, str, int]]:
        """Return id, digest and number of copies of stored deliveries: of these ids, or of all.

        `query`: the target's, `[stored] sql`, or `[effects.NAME] calls`. Only called where `About.stores`, or
        `About.receives`, is true.
        """
        ...

    async def residue(self) -> Mapping[str, int]:
        """Count what the service has left behind, by the names of `About.residue`."""
        ...

    async def look(self, moment: Moment) -> MomentState | None:
        """Check one of the protocol's own moments; None for any other moment."""
        ...


class UnaskedProbe:
    """The answers for a protocol whose servers cannot be asked. Subclasses override what their servers can answer."""

    errors: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    async def close(self) -> None:
        """Do nothing: no session is open."""

    async def idle(self) -> int:
        """Return 0."""
        return 0

    async def sessions(self) -> SessionCount | None:
        """Return None: sessions are not counted."""
        return None

    async def blocked(self) -> int:
        """Return 0."""
        return 0

    async def unsettled(self) -> int:
        """Return 0."""
        return 0

    async def rows(self, query: str, ids: Sequence[str] | None) -> Sequence[tuple[str, str, int]]:
        """Return no rows."""
        del query, ids
        return ()

    async def residue(self) -> Mapping[str, int]:
        """Return nothing."""
        return {}

    async def look(self, moment: Moment) -> MomentState | None:
        """Return None: the protocol has no own moments."""
        del moment
        return None
