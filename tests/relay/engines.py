"""An engine without sockets: what it is fed, what it gives out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from harness.protocols.contract.frames import Direction
from harness.protocols.contract.speech import SPEECH
from harness.relay import Action, Drop, Fired, Match, Report, Rule, TlsMode
from harness.relay.connection.engine import Engine
from harness.relay.connection.notes import HopKind, HopState
from harness.relay.rules.ledger import Ledger
from harness.relay.rules.rule_book import RuleBook
from harness.relay.rules.sightings import Sightings
from harness.relay.rules.tries_counter import Tries
from tests.protocols.postgres import words as pg

BEGIN, INSERT, COMMIT = pg.query("BEGIN"), pg.query("INSERT INTO t VALUES (1)"), pg.query("  commit;")
BEGUN, INSERTED, COMMITTED = (pg.complete(tag) + pg.READY for tag in ("BEGIN", "INSERT 0 1", "COMMIT"))


@dataclass
class Recorder:
    """An outlet that writes down what it is told."""

    out: dict[Direction, bytearray] = field(default_factory=lambda: {"sent": bytearray(), "answered": bytearray()})
    writes: list[tuple[Direction, bytes]] = field(default_factory=list)
    finished: list[Direction] = field(default_factory=list)
    ended: str = ""
    timers: list[Callable[[], None]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def forward(self, direction: Direction, data: bytes) -> None:
        assert not self.ended
        assert isinstance(data, bytes)
        self.out[direction] += data
        self.writes.append((direction, data))

    def finish(self, direction: Direction) -> None:
        assert direction not in self.finished
        self.finished.append(direction)

    def close(self) -> None:
        self.ended = "closed"

    def reset(self) -> None:
        self.ended = "reset"

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Callable[[], None]:
        del delay_s
        self.timers.append(callback)
        return lambda: self.timers.remove(callback) if callback in self.timers else None

    def declines_tls(self) -> bool:
        return False

    def start_tls(self, *, server_too: bool) -> None:
        raise AssertionError(server_too)

    def drained(self) -> None:
        """There is nothing to read on here."""

    def report(self, report: Report) -> None:
        self.reports.append(report)


@dataclass
class Bed:
    """A hop's state, and connections on it."""

    protocol: str = "postgres"
    book: RuleBook = field(default_factory=RuleBook)
    connections: int = 0
    tls: TlsMode = "none"

    def __post_init__(self) -> None:
        self.sightings = Sightings("hop")
        self.tries = Tries(SPEECH.of(self.protocol))
        self.ledger = Ledger()

    def connect(self) -> Wire:
        self.connections += 1
        outlet = Recorder()
        state = HopState(HopKind("hop", self.protocol, self.tls), self.book, self.sightings, self.tries, self.ledger)
        return Wire(Engine(state, self.connections, 40_000 + self.connections, outlet), outlet)

    def arm(self, action: Action, direction: Direction = "sent", text: str = "", **more: Any) -> str:
        """Arm a rule; `always` and `rule_id` are the rule's, the rest is the match's."""
        always, rule_id = more.pop("always", False), more.pop("rule_id", f"rule{self.book.generation}")
        match = Match(direction=direction, text=text, **more)
        self.book.arm(Rule(id=rule_id, hop="hop", match=match, action=action, always=always))
        return str(rule_id)

    def release(self, rule_id: str) -> None:
        armed = self.book.get(rule_id)
        assert armed is not None
        for held in list(armed.holds):
            held.release()


@dataclass
class Wire:
    """One connection."""

    engine: Engine
    outlet: Recorder

    def sends(self, *parts: bytes) -> bytes:
        """Feed the service's bytes in one read; return what the server has now got, and begin anew."""
        return self._feed("sent", parts)

    def answers(self, *parts: bytes) -> bytes:
        return self._feed("answered", parts)

    def taken(self, direction: Direction) -> bytes:
        """What has come out since the last look."""
        data, self.outlet.out[direction] = bytes(self.outlet.out[direction]), bytearray()
        return data

    def ended(self) -> str:
        return self.outlet.ended

    def fired(self) -> list[Fired]:
        return [report for report in self.outlet.reports if isinstance(report, Fired)]

    def _feed(self, direction: Direction, parts: tuple[bytes, ...]) -> bytes:
        self.engine.feed(direction, b"".join(parts))
        return self.taken(direction)


def started(bed: Bed) -> Wire:
    """Make a connection that is past its startup."""
    wire = bed.connect()
    assert wire.sends(pg.startup()) == pg.startup()
    assert wire.answers(pg.OK) == pg.OK
    return wire


def redis_started(bed: Bed) -> Wire:
    assert bed.protocol == "redis"
    return bed.connect()


def drop(bed: Bed, text: str = "", direction: Direction = "sent", **more: Any) -> None:
    bed.arm(Drop(), direction, text, **more)
