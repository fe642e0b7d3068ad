"""Examples of faults: what `harness new` drafts and `harness faults` shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from harness.errors import UsageError
from harness.protocols.contract.sample import SAMPLE, Sample
from harness.vocabulary import ACKNOWLEDGED, REFUSED, Link, Message, Outcome
from harness.vocabulary.links import WORDS

if TYPE_CHECKING:
    from harness.faults.fault import Fault

LinkT = TypeVar("LinkT", bound=Link)
TABLE = "{table}"
SOME = 5
"""How many deliveries: as many as a small pool has connections, so that the fault affects each connection."""
_TABLE = re.compile(r'\bFROM\s+"?(?P<table>[a-z_][a-z0-9_.]*)', re.IGNORECASE)

Meeting = Literal["during", "after", "until met"]
"""When the deliveries of an example are sent.

`during`: while the fault is on. `after`: after it has struck, once. `until met`: while it is on; it delays them, so it
is healed as soon as it has taken effect on one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The ground for an example: the link that is struck, and where deliveries are stored.

    `rows`: the SQL by which the target reads what is stored. `place`: the file in which it is written.
    """

    link: Link
    store: Link
    rows: str
    place: str
    by_name: tuple[str, ...] = ("DATABASE_URL={postgres.named_url}",)
    """Settings with which the service reaches the link by its name, if it does not do so by default."""
    tls: bool = True
    """Whether the service speaks TLS on the link."""
    read: str = "delivery"
    """The name of a request that reads a delivery; "" if the target has none."""
    read_with: tuple[str, ...] = ("REPLICA_URL={replica.url}",)
    """Settings with which the service reads the replica on the link."""
    pooled_with: tuple[str, ...] = ("DATABASE_URL={pooled.url}",)
    """Settings with which the service goes through the pooler on the link."""
    found_with: tuple[str, ...] = ("REDIS_SENTINEL={sentinel.host}:{sentinel.port}",)
    """Settings with which the service asks Sentinel on the link."""
    remembers: bool = True
    """Whether the target names the key by which the service remembers a delivery there."""

    @property
    def sample(self) -> Sample:
        """The sample texts of the link's protocol."""
        return SAMPLE.of(self.link.protocol)

    @property
    def without_link(self) -> Outcome:
        """The outcome of a delivery while the link cannot be used. Without its store the service must refuse."""
        return REFUSED if self.link == self.store else ACKNOWLEDGED

    @property
    def sent(self) -> Message:
        """The statement or command that stores or remembers a delivery."""
        return self.link.sent(self.sample.stores)

    @property
    def answered(self) -> Message:
        """The answer to `sent`."""
        return self.link.answered(self.sample.stores)

    @property
    def harmless(self) -> str:
        """A statement or command that the link's server carries out. Raises UsageError as `table` does."""
        text = self.sample.harmless
        return text.replace(TABLE, self.table) if TABLE in text else text

    def link_as(self, protocol: type[LinkT]) -> LinkT:
        """The link, checked to be of the class that the fault's field `link` requires."""
        if not isinstance(self.link, protocol):
            raise TypeError(f"{self.link!r} is no {protocol.__name__}")
        return self.link

    @property
    def names_table(self) -> bool:
        """Whether deliveries are stored on the link, in a table that the target's SQL names."""
        return self.link == self.store and _TABLE.search(self.rows) is not None

    @property
    def table(self) -> str:
        """The table that deliveries are read from.

        Raises:
            UsageError: the target's SQL names no table.
        """
        found = _TABLE.search(self.rows)
        if found is None:
            mend = "draft another fault, and name the table in it by hand"
            problem = "names no table to lock"
            raise UsageError.at(self.place, "stored.sql", self.rows, problem, mend=mend)
        return found["table"]


def any_ground(fault: type[Fault]) -> Ground:
    """Return the ground for an example of this fault without a target: the first link that it fits."""
    links = [kind(protocol) for protocol, kind in WORDS.all().items()]
    link = next(each for each in links if isinstance(each, fault.fits()))
    return Ground(link=link, store=links[0], rows="SELECT id FROM deliveries", place=fault.kind)


@dataclass(frozen=True, slots=True)
class Example:
    """A short scenario in which a fault leaves evidence, and a sound service holds.

        Example(link.latency(redis, latency_ms=200), deliveries=5)

    stands for

        async with lab.inject(link.latency(redis, latency_ms=200)):
            await lab.deliver(5)

    `deliveries`: how many are sent while the fault is on; 0 only if one is read. `beside`: faults that are injected
        with it, such as a cut that makes the service connect again. `before`: faults that must strike first.
        `prepared`: one delivery is sent before the fault. `restarts`: the service is restarted while the fault is on.
        `idle_s`: seconds without a delivery while it is on. `restarted_with`: settings with which the service is
        restarted before. `reads`: the name of the request that reads the last delivery while the fault is on.
    """

    fault: Fault
    beside: tuple[Fault, ...] = ()
    met: Meeting = "during"
    deliveries: int = 1
    copies: int = 1
    expect: Outcome = ACKNOWLEDGED
    prepared: bool = False
    restarts: bool = False
    restarted_with: tuple[str, ...] = ()
    idle_s: float = 0.0
    reads: str = ""
    before: tuple[Fault, ...] = ()
