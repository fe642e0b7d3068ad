"""The statements of a command, in a form by which a later run's equal statements are recognised."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.protocols.contract.search import SEARCHED
from harness.protocols.contract.speech import fingerprint
from harness.relay import Seen
from harness.wrap.observed import ServerSeen

COMMIT, WRITE, OTHER = range(3)
"""The importance of a statement's break, in decreasing order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The `occurrence`th statement of this shape on a server, in an unbroken run.

    `text` and `nth`: its number among the statements that begin with this text. `position`: among all statements of the
    run.
    """

    server: str
    protocol: str
    shape: str
    occurrence: int
    text: str
    nth: int
    telling: int
    position: int
    context: str = ""
    """For a COMMIT: the statements before it on its connection, because COMMITs of different transactions are not
    equal."""

    def __str__(self) -> str:
        return f"{self.server}/{self.shape}/{self.occurrence}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One server's messages in one run."""

    server: ServerSeen
    messages: Sequence[Seen]


@dataclass(frozen=True, slots=True)
class Found:
    """The statements that both runs had. `unsteady`: how many only one run had, or had in another order."""

    statements: Sequence[Statement]
    unsteady: int


def statements_of(first: Iterable[Recorded], second: Iterable[Recorded], names: Mapping[str, str]) -> Found:
    """Find the statements that two unbroken runs share. `names`: the servers' names, by their hops."""
    others = {recorded.server.name: _placed(recorded) for recorded in second}
    found: list[tuple[int, Statement]] = []
    unsteady = 0
    for recorded in first:
        own, other = _placed(recorded), others.get(recorded.server.name, {})
        unsteady += len(own.keys() ^ other.keys())
        for place in own.keys() & other.keys():
            statement = _statement(recorded.server, place, own, other)
            if statement is None:
                unsteady += 1
            else:
                found.append((own[place].t_ns, replace(statement, server=names[recorded.server.name])))
    ordered = [statement for _, statement in sorted(found, key=lambda each: each[0])]
    return Found([replace(each, position=at) for at, each in enumerate(ordered)], unsteady)


Place = tuple[str, int]
"""A shape, and which of the statements that have it."""


@dataclass(frozen=True, slots=True)
class _Sent:
    text: str
    phase: str
    before: str
    t_ns: int


def _placed(recorded: Recorded) -> dict[Place, _Sent]:
    counts = Counter[str]()
    last = defaultdict[int, str](str)
    found: dict[Place, _Sent] = {}
    for message in recorded.messages:
        if message.direction != "sent" or not message.runs:
            continue
        shape = fingerprint(recorded.server.protocol, message.text)
        counts[shape] += 1
        before = last[message.connection]
        found[shape, counts[shape]] = _Sent(message.text, message.phase, before, message.t_ns)
        last[message.connection] = shape
    return found


def _statement(
    server: ServerSeen, place: Place, own: Mapping[Place, _Sent], other: Mapping[Place, _Sent]
) -> Statement | None:
    sent = own[place]
    searched = SEARCHED.of(server.protocol)
    text = _steady(searched.beginning([sent.text, other[place].text]), place[0], [sent.text, other[place].text])
    nth = _number(text, place, own)
    if nth != _number(text, place, other):
        return None
    is_commit = sent.phase == "commit"
    return Statement(
        server=server.name,
        protocol=server.protocol,
        shape=place[0],
        occurrence=place[1],
        text=text,
        nth=nth,
        telling=COMMIT if is_commit else WRITE if searched.writes(sent.text) else OTHER,
        position=0,
        context=sent.before if is_commit else "",
    )


def _steady(beginning: str, shape: str, texts: Sequence[str]) -> str:
    """The beginning that a third run has, too: as far as the shape has it, and up to the first value.

    Two values that differ may share digits by chance.
    """
    if len(set(texts)) == 1:
        return beginning
    pairs = zip(beginning.lower(), shape.lower(), strict=False)
    return beginning[: sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))]


def _number(text: str, place: Place, run: Mapping[Place, _Sent]) -> int:
    """Its number among a run's statements that begin with this text."""
    prefix = text.lstrip().lower()
    fitting = [each for each, sent in run.items() if sent.text.lstrip().lower().startswith(prefix)]
    return fitting.index(place) + 1
