"""Directions of messages and phases of connections, in words that all protocols share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from harness.errors import UsageError

Direction = Literal["sent", "answered"]
"""Sent: by the service. Answered: by the server."""
Phase = Literal["startup", "authentication", "query", "commit", "idle"]
"""What a connection is doing when the message passes. `commit`: from the COMMIT to the end of its answer."""


class ProtocolMessages:
    """The messages of a protocol: a part of its class of links.

    `protocol`: the name of its folder, of its default link, and in JSON. `names`: the names that a single message of
    each direction can have. If there are none, any name may fit: `open_names` says in a sentence what a name looks
    like, and `check_message_name` checks it. `whole`: if a direction is one long message, that message's name.
    `phases`: the phases of a connection. A protocol with "commit" has transactions. `wordless_phases`: phases in which
    the server carries out no statement: name a message there.
    """

    protocol: ClassVar[str] = ""
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = {"sent": (), "answered": ()}
    open_names: ClassVar[str] = ""
    whole: ClassVar[str | None] = None
    phases: ClassVar[tuple[Phase, ...]] = ()
    wordless_phases: ClassVar[tuple[Phase, ...]] = ()

    @classmethod
    def check_message_name(cls, place: str, name: str, direction: Direction) -> None:
        """Refuse a name if no message of this direction has it. Raises UsageError with the nearest valid name."""
        known = cls.names[direction]
        if not known or name in known:
            return
        other: Direction = "answered" if direction == "sent" else "sent"
        if name in cls.names[other]:
            mend = f"write .{other}(message={name!r})"
            raise UsageError.at(place, "message", name, f"is {other}, not {direction}", mend=mend)
        raise UsageError.at(place, "message", name, f"no message of {cls.protocol} that is {direction}", valid=known)

    @classmethod
    def check_phase(cls, place: str, phase: Phase | None, direction: Direction, *, named: bool) -> None:
        """Refuse a phase that this protocol does not have, and one that needs a message's name but has none.

        Raises:
            UsageError: with the nearest valid phase, or a name.
        """
        if phase is not None and phase not in cls.phases:
            raise UsageError.at(place, "phase", phase, f"no phase of {cls.protocol}", valid=cls.phases)
        if phase in cls.wordless_phases and not named:
            mend = f"name a message, such as message={cls.names[direction][0]!r}"
            raise UsageError.at(place, "phase", phase, "the server executes no statement in this phase", mend=mend)
