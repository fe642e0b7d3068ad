"""Links whose protocol the harness does not read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import UsageError
from harness.vocabulary.links import Link, Message
from harness.vocabulary.messages import Direction, Phase

__all__ = ["LINK", "Tcp", "tcp"]

STREAM: Final = "Stream"


@dataclass(frozen=True, repr=False)
class Tcp(Link, kind="Tcp"):
    """A link over plain TCP: bytes go either way, and there are no messages.

    For example::

        async with lab.inject(wire.cut(tcp.sent(), after_bytes=100)):
            await lab.deliver()

    A fault of the relay strikes one direction of a connection. It counts bytes from the first one, or from the first
    one after the injection of the fault. Faults of the whole link are the same as for any other.

    Of the arguments of `sent` and `answered`, use only `connection` and `nth`, which choose the connection. `text` and
    `having` are refused; `message` is always `"Stream"` and `phase` always `"idle"`.

    Args:
        name: the link's name in the target description. `tcp` is the link with the name `tcp`.

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    protocol: ClassVar[str] = "tcp"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = {"sent": (STREAM,), "answered": (STREAM,)}
    whole: ClassVar[str | None] = STREAM
    phases: ClassVar[tuple[Phase, ...]] = ("idle",)

    @classmethod
    def check_message(cls, place: str, message: Message) -> None:
        """Refuse a text, and every other argument that only messages have. Raises UsageError."""
        for key, given in (("text", message.text), ("having", message.having)):
            if given:
                problem = "plain TCP has no messages: its bytes can only be counted"
                mend = f"leave it out: wire.cut({message.link!r}.{message.direction}(), after_bytes=N) counts them"
                raise UsageError.at(place, key, given, problem, mend=mend)
        if message.message is None:
            raise UsageError.at(place, "message", None, "plain TCP has no statements", mend=f"write {STREAM!r}")
        super().check_message(place, message)


LINK: Final = Tcp
tcp: Final = Tcp("tcp")
