"""How a scenario uses a fault: what `harness new` drafts, and `harness faults` shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from harness.errors import UsageError
from harness.vocabulary import ACKNOWLEDGED, REFUSED, Link, Message, Outcome

if TYPE_CHECKING:
    from harness.faults.fault import Fault

LinkT = TypeVar("LinkT", bound=Link)
SOME = 5
"""Deliveries: as many as a small pool has connections, so that each of them meets the fault."""
_TABLE = re.compile(r'\bFROM\s+"?(?P<table>[a-z_][a-z0-9_.]*)', re.IGNORECASE)

Meeting = Literal["during", "after", "until met"]
"""How the deliveries of an example meet its fault.

`during`: the fault is on while they are sent. `after`: it strikes once, then they are sent. `until met`: it
holds them up, so it is healed once one has met it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What an example needs to know of one protocol."""

    stores: str
    """The statement or command that stores a delivery begins with this."""
    dead_url: str
    """A URL to which the kernel itself says that there is no way."""
    rate_kb_s: int
    """The largest message passes within a statement's time-out, and the smallest takes a millisecond."""
    busy_error: str
    """The code of an error that goes away when the service tries again."""
    harmless: str
    """A statement or command that the server carries out and says so; `{table}` is where deliveries are stored."""
    said_at_start: str = ""
    """The name of a message that a server sends when a connection starts, and that may come twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What an example stands on: the link that is struck, and where deliveries are stored.

    `rows`: the SQL by which the target reads what is stored; `place`: the file that says so.
    """

    link: Link
    store: Link
    sample: Sample
    rows: str
    place: str

    @property
    def without_link(self) -> Outcome:
        """What becomes of a delivery while the link is of no use: a service cannot store without its store."""
        return REFUSED if self.link == self.store else ACKNOWLEDGED

    @property
    def sent(self) -> Message:
        """The statement or command that stores a delivery, or remembers it."""
        return self.link.sent(self.sample.stores)

    @property
    def answered(self) -> Message:
        """Its answer."""
        return self.link.answered(self.sample.stores)

    def link_as(self, protocol: type[LinkT]) -> LinkT:
        """The link, for a fault whose field says that it strikes only at such a link."""
        if not isinstance(self.link, protocol):
            raise TypeError(f"{self.link!r} is no {protocol.__name__}")
        return self.link

    @property
    def table(self) -> str:
        """The table that deliveries are read from.

        Raises:
            UsageError: the target's SQL names no table.
        """
        found = _TABLE.search(self.rows)
        if found is None:
            mend = "draft another fault, and name the table in it by hand"
            problem = "reads from no table that could be locked"
            raise UsageError.at(self.place, "stored.sql", self.rows, problem, mend=mend)
        return found["table"]


@dataclass(frozen=True, slots=True)
class Example:
    """A short scenario in which a fault leaves evidence, and a sound service holds.

        Example(link.latency(redis, latency_ms=200), deliveries=5)

    stands for

        async with lab.inject(link.latency(redis, latency_ms=200)):
            await lab.deliver(5)

    `beside`: faults that are injected with it, such as a cut that makes the service connect anew. `prepared`:
    one delivery comes first. `restarts`: the service is restarted while the fault is on.
    """

    fault: Fault
    beside: tuple[Fault, ...] = ()
    met: Meeting = "during"
    deliveries: int = 1
    copies: int = 1
    expect: Outcome = ACKNOWLEDGED
    prepared: bool = False
    restarts: bool = False
