"""Links to Redis. A command's name is its first word, an answer's name its type in the protocol (RESP)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import UsageError
from harness.vocabulary.links import Link
from harness.vocabulary.messages import Direction, Phase

__all__ = ["LINK", "Redis", "redis"]

COMMAND: Final = re.compile(r"[A-Z][A-Z0-9._-]*")
TYPES: Final = (
    "SimpleString", "Error", "Integer", "BulkString", "Array", "Map", "Set", "Push", "Double", "Boolean", "Null",
    "BigNumber", "BulkError", "Verbatim", "Attribute",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Redis(Link, kind="Redis"):
    """A link to a Redis server, or to one that speaks its protocol.

    For example::

        cache = Redis("cache")
        async with lab.inject(wire.drop(cache.answered("SET"))):
            await lab.deliver()

    A message's text is its command with its arguments. `message` takes a command's first word in capitals, and for an
    answer the name of its type ("Redis serialization protocol specification"): `"SimpleString"`, `"Integer"`, ...

    Args:
        name: the link's name in the target description. `redis` is the link with the name `redis`.

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    protocol: ClassVar[str] = "redis"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = {"sent": (), "answered": TYPES}
    open_names: ClassVar[str] = "A command by its first word, in capitals."
    phases: ClassVar[tuple[Phase, ...]] = ("startup", "query", "idle")

    @classmethod
    def check_message_name(cls, place: str, name: str, direction: Direction) -> None:
        """Refuse a name that cannot be a command's first word, and an answer that is not a RESP type."""
        if direction == "sent" and not COMMAND.fullmatch(name):
            mend = f"write {name.upper().partition(' ')[0] or 'SET'!r}"
            raise UsageError.at(place, "message", name, "not a command's first word in capitals", mend=mend)
        super().check_message_name(place, name, direction)


LINK: Final = Redis
redis: Final = Redis("redis")
