"""Links to NATS. A message's name is its operation in the client protocol's reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.vocabulary.links import Link
from harness.vocabulary.messages import Direction, Phase

__all__ = ["LINK", "Nats", "nats"]


@dataclass(frozen=True, repr=False)
class Nats(Link, kind="Nats"):
    """A link to a NATS server, with JetStream.

    For example::

        async with lab.inject(wire.cut(nats.answered("PUB orders"))):
            await lab.deliver()

    A message's text is its operation and its subject, with headers or without: `nats.sent("PUB orders.new")`. An
    acknowledgement of a stream's message is a publication, too: `nats.sent("PUB $JS.ACK")`. `nats.answered("PUB
    orders.new")` is the answer to the publication's own reply subject: JetStream confirms that it has stored the
    message. A message to a subscriber is `nats.answered("MSG orders.new", message="MSG")`, or `"HMSG"` if it has
    headers. `having` searches the body.

    Args:
        name: the link's name in the target description. `nats` is the link with the name `nats`.

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    protocol: ClassVar[str] = "nats"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = {
        "sent": ("CONNECT", "PUB", "HPUB", "SUB", "UNSUB", "PING", "PONG"),
        "answered": ("INFO", "MSG", "HMSG", "PING", "PONG", "OK", "ERR"),
    }
    phases: ClassVar[tuple[Phase, ...]] = ("startup", "query", "idle")


LINK: Final = Nats
nats: Final = Nats("nats")
