"""Links whose protocol the harness does not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import UsageError
from harness.vocabulary.links import Answered, Link, Message, Sent
from harness.vocabulary.messages import Direction, Phase

__all__ = ["LINK", "Tcp", "tcp"]

STREAM: Final = "Stream"


@dataclass(frozen=True, repr=False)
class Tcp(Link, kind="Tcp"):
    """A link over plain TCP: bytes go either way, and there are no messages.

    For example::

        async with lab.inject(wire.cut(tcp.sent(), after_bytes=100)):
            await lab.deliver()

    A fault of the relay strikes at one direction of a connection: at its bytes from the first one on, or from the first
    one that comes after the fault was injected. Faults of the whole link are the same as for any other.

    Args:
        name: the link's name in the target description. `tcp` is the one that is called `tcp`.

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    protocol: ClassVar[str] = "tcp"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = {"sent": (STREAM,), "answered": (STREAM,)}
    phases: ClassVar[tuple[Phase, ...]] = ("idle",)

    @classmethod
    def check_message(cls, place: str, message: Message) -> None:
        """Refuse a text, and everything else that only messages have. Raises UsageError."""
        for key, given in (("text", message.text), ("having", message.having)):
            if given:
                problem = "plain TCP has no messages: its bytes can only be counted"
                mend = f"leave it out: wire.cut({message.link!r}.{message.direction}(), after_bytes=N) counts them"
                raise UsageError.at(place, key, given, problem, mend=mend)
        if message.message is None:
            raise UsageError.at(place, "message", None, "plain TCP has no statements", mend=f"write {STREAM!r}")
        super().check_message(place, message)

    def sent(
        self,
        text: str = "",
        *,
        message: str | None = STREAM,
        phase: Phase | None = None,
        having: str | None = None,
        connection: int | None = None,
        nth: int | None = None,
    ) -> Message:
        """What the service sends on a connection.

        For example::

            async with lab.inject(wire.cut(tcp.sent(connection=1), after_bytes=100)):
                await lab.deliver()

        Args:
            text: must be "": plain TCP has no texts.
            message: leave it out, or `"Stream"`.
            phase: leave it out, or `"idle"`.
            having: leave it out: plain TCP has nothing that it could look into.
            connection: on this connection only, counted from 1, in the order in which connections first sent something.
            nth: only this match, counted from 1 over all connections.

        Raises:
            UsageError: a word is given that only messages have, or a number is less than 1.
        """
        return Sent(self, text, message=message, phase=phase, having=having, connection=connection, nth=nth)

    def answered(
        self,
        text: str = "",
        *,
        message: str | None = STREAM,
        phase: Phase | None = None,
        having: str | None = None,
        connection: int | None = None,
        nth: int | None = None,
    ) -> Message:
        """What the server sends on a connection.

        For example::

            async with lab.inject(wire.cut(tcp.answered(), after_bytes=1)):
                await lab.deliver()

        Args:
            text: must be "": plain TCP has no texts.
            message: leave it out, or `"Stream"`.
            phase: leave it out, or `"idle"`.
            having: leave it out: plain TCP has nothing that it could look into.
            connection: on this connection only, counted from 1, in the order in which connections first sent something.
            nth: only this match, counted from 1 over all connections.

        Raises:
            UsageError: a word is given that only messages have, or a number is less than 1.
        """
        return Answered(self, text, message=message, phase=phase, having=having, connection=connection, nth=nth)


LINK: Final = Tcp
tcp: Final = Tcp("tcp")
