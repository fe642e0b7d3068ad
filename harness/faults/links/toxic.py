"""The common base of all faults of a whole link, and of those that use a toxic."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection, Need
from harness.faults.links.injections import ToxicsInjection
from harness.faults.links.meter import LinkActivity, Used
from harness.faults.site import Site
from harness.stack.toxiproxy.toxics import STREAMS, Stream, Toxic
from harness.vocabulary import Link


@dataclass(frozen=True, repr=False)
class LinkFault(Fault):
    """A fault of one link."""

    needs: ClassVar[frozenset[Need]] = frozenset({"own_toxiproxy"})
    link: Link

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The link cannot be used: a delivery that needs it is refused."""
        return Example(cls(ground.link), deliveries=SOME, expect=ground.without_link)


def limits(key: str, *, at_least: int = 0, at_most: int) -> Mapping[str, object]:
    """Return the metadata of a field that Toxiproxy calls `key`: its value lies within the limits."""
    return {"key": key, "at_least": at_least, "at_most": at_most}


def met_when(words: str) -> tuple[EvidenceKind, ...]:
    """Return the evidence that a toxic leaves."""
    return (EvidenceKind("toxic_met", "kernel and Toxiproxy", words),)


@dataclass(frozen=True, repr=False)
class ToxicFault(LinkFault):
    """A fault that one of Toxiproxy's toxics makes, in one direction or both.

    `toxic`: its type in Toxiproxy. `always`: attributes that are the same for every such fault, by Toxiproxy's names.

    Raises:
        UsageError: a number is outside its field's limits. Toxiproxy itself checks nothing.
    """

    toxic: ClassVar[str]
    always: ClassVar[Mapping[str, int]] = {}
    evidence: ClassVar[tuple[EvidenceKind, ...]] = met_when(
        "something was asked or answered on a connection of the link while the toxic was on"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for each in self._numbers():
            value, low, high = getattr(self, each.name), each.metadata["at_least"], each.metadata["at_most"]
            if not low <= value <= high:
                mend = f"write {min(max(value, low), high)}, or another number from {low} to {high}"
                raise UsageError.at(self.kind, each.name, value, f"not within {low} to {high}", mend=mend)

    def _numbers(self) -> Sequence[dataclasses.Field[int]]:
        return [each for each in dataclasses.fields(self) if "key" in each.metadata]

    def toxics(self) -> Sequence[Toxic]:
        """The toxics to add: one for each direction."""
        given: Stream | None = getattr(self, "stream", None)
        numbers = {each.metadata["key"]: getattr(self, each.name) for each in self._numbers()}
        attributes = {**self.always, **numbers}
        streams = STREAMS if given is None else (given,)
        return [Toxic(type=self.toxic, stream=stream, attributes=attributes) for stream in streams]

    def met_by(self, activity: LinkActivity) -> int:
        """On how many connections it took effect. Most toxics affect every connection that carries anything."""
        return activity.touched

    def injection(self, site: Site) -> Injection:
        """Add the toxics; remove them when healed."""
        return ToxicsInjection(self, site)


def went(used: Used, stream: Stream) -> int:
    """The bytes that a connection carried in one direction."""
    return used.bytes_sent if stream == "upstream" else used.bytes_received
