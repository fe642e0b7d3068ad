"""The messages of one delivery without any fault, in order, each with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from harness.protocols.contract.search import SEARCHED
from harness.relay.control.reports import Seen
from harness.relay.rules.rule import folded
from harness.search.recording.places import Kind, Place

Fingerprint = Callable[[str, str], str]
Shapes: TypeAlias = frozenset[tuple[str, str]]
"""Statements, by the link's name and the fingerprint."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One message of a delivery, and how a rule finds it again in the next delivery.

    `link`: the link's name. `text`: the statement begins with this, in every delivery of the kind. `nth`: its number
    among the messages that fit the place's direction, phase and name, and `text`.
    """

    place: Place
    link: str
    text: str
    nth: int
    length: int
    runs: bool
    ends_answer: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """All messages of one kind of delivery, in order; `unsteady`: places that only some of its deliveries had.

    `left_out`: why this kind has no messages, if it cannot be swept. `named`: statements, by link and fingerprint, that
    name the delivery in every recording, in themselves or in their transaction. `unnamed`: statements that came at
    least once without a name.
    """

    kind: Kind
    messages: tuple[Observed, ...]
    unsteady: tuple[Place, ...] = ()
    left_out: str = ""
    named: Shapes = frozenset()
    unnamed: Shapes = frozenset()

    def at(self, place: Place) -> Observed | None:
        """The message at a place."""
        return next((message for message in self.messages if message.place == place), None)


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """The relay's record of one delivery on one link."""

    link: str
    protocol: str
    messages: Sequence[Seen]


def recording(kind: Kind, deliveries: Sequence[Sequence[LinkSeen]], fingerprint: Fingerprint) -> Recording:
    """Merge the messages of several deliveries of a kind: at least one, better two.

    A statement is recognised by its beginning, which all deliveries share, so ids and times in it do not matter.
    """
    placed = [_placed(list(links), fingerprint) for links in deliveries]
    common = [place for place in placed[0] if all(place in other for other in placed)]
    unsteady = {place for each in placed for place in each} - set(common)
    beginnings = {
        place: SEARCHED.of(place.protocol).beginning([each[place][1].text for each in placed]) for place in common
    }
    return Recording(
        kind,
        tuple(_observed(placed[0], common, beginnings)),
        tuple(sorted(unsteady)),
        named=frozenset.intersection(*(_sent(links, fingerprint, named=True) for links in deliveries)),
        unnamed=frozenset.union(*(unnamed_in(links, fingerprint) for links in deliveries)),
    )


def unnamed_in(links: Iterable[LinkSeen], fingerprint: Fingerprint) -> Shapes:
    """The statements that name no delivery."""
    return _sent(links, fingerprint, named=False)


def _sent(links: Iterable[LinkSeen], fingerprint: Fingerprint, *, named: bool) -> Shapes:
    return frozenset(
        (link.link, fingerprint(link.protocol, message.text))
        for link in links
        for message in link.messages
        if message.runs and message.direction == "sent" and message.text and bool(message.subject) == named
    )


def _placed(links: Sequence[LinkSeen], fingerprint: Fingerprint) -> Mapping[Place, tuple[LinkSeen, Seen]]:
    """Every message by its place, in the order in which the relay saw them."""
    seen = sorted(((link, message) for link in links for message in link.messages), key=lambda each: each[1].t_ns)
    counts: Counter[tuple[object, ...]] = Counter()
    found: dict[Place, tuple[LinkSeen, Seen]] = {}
    for link, message in seen:
        text = fingerprint(link.protocol, message.text) if message.text else ""
        name = (link.protocol, message.direction, message.phase, message.message, text)
        counts[name] += 1
        place = Place(link.protocol, message.direction, message.phase, message.message, text, counts[name])
        found[place] = (link, message)
    return found


def _observed(
    placed: Mapping[Place, tuple[LinkSeen, Seen]], common: Sequence[Place], beginnings: Mapping[Place, str]
) -> Iterable[Observed]:
    for place in common:
        link, message = placed[place]
        text = beginnings[place]
        fitting = [
            other for other, (its, seen) in placed.items() if its.link == link.link and _fits(place, text, other, seen)
        ]
        nth = fitting.index(place) + 1
        yield Observed(place, link.link, text, nth, message.length, message.runs, message.ends_answer)


def _fits(place: Place, text: str, other: Place, seen: Seen) -> bool:
    same = (place.direction, place.phase, place.message) == (other.direction, other.phase, other.message)
    return same and folded(seen.text).startswith(folded(text))
