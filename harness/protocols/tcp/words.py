"""What a scenario says of a link whose protocol the harness does not read."""

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

    What a fault of the relay meets there is a direction of a connection, from its first byte on, or from the first
    that comes after the fault was injected. Faults of the whole link are the same as for any other.

    Example:
        `wire.cut(tcp.sent(), after_bytes=100)`: the connection is closed when the service has sent 100 bytes.
    """

    protocol: ClassVar[str] = "tcp"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = {"sent": (STREAM,), "answered": (STREAM,)}
    phases: ClassVar[tuple[Phase, ...]] = ("idle",)

    @classmethod
    def check_message(cls, place: str, message: Message) -> None:
        """Refuse a text, and all that only messages have. Raises UsageError."""
        for key, given in (("text", message.text), ("having", message.having)):
            if given:
                problem = "plain TCP has no messages: nothing is known of its bytes but how many they are"
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

        `connection` counts from 1, in the order in which connections first sent something. A `text` is refused, and so
        is what `having` would look into.
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
        """What the server sends on a connection. The words are those of `sent`."""
        return Answered(self, text, message=message, phase=phase, having=having, connection=connection, nth=nth)


LINK: Final = Tcp
tcp: Final = Tcp("tcp")
