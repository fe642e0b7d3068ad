"""One hop: a port, the server behind it, the rules, and the connections."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.protocols.contract.speech import recognised
from harness.relay.connection.notes import UNDECIDED, HopKind, HopState
from harness.relay.connection.pair import Pair
from harness.relay.connection.side import Side
from harness.relay.control.refusals import check_rule
from harness.relay.control.reports import Known, Report, Seen
from harness.relay.control.tries import Tally
from harness.relay.hop.arrivals import Arrivals
from harness.relay.hop.beginnings import Beginnings
from harness.relay.hop.door import Door
from harness.relay.hop.handshakes import How, Trouble
from harness.relay.hop.hop_losses import HopLosses
from harness.relay.hop.identity import Identity
from harness.relay.hop.listener import BACKLOG, Listener
from harness.relay.rules.ledger import Ledger
from harness.relay.rules.near_misses import near_misses
from harness.relay.rules.rule import Rule
from harness.relay.rules.rule_book import Releasable, RuleBook
from harness.relay.rules.sightings import Sightings
from harness.relay.rules.tries_counter import Tries
from harness.vocabulary.value import Json

TLS_BEGINS: Final = b"\x16\x03"  # the type of its first record, and the major version (RFC 8446, 5.1)


class HopServer:
    """One hop. `open` makes it; it closes when its control connection ends."""

    def __init__(
        self,
        kind: HopKind,
        upstream: HostPort | None,
        identity: Identity,
        report: Callable[[Report], None],
        fired: set[str],
    ) -> None:
        self.identity = identity
        if kind.speech.tls is not None:
            identity.offer(kind.speech.tls.application)
        self.report = report
        self._upstream = upstream
        self._state = _state(kind, RuleBook(fired))
        self._numbers = itertools.count(1)
        self.pairs: dict[Pair, None] = {}
        """The open connections, in the order in which they came."""
        self._listener: Listener | None = None
        self._losses: HopLosses | None = None
        self.trouble: Trouble | None = None
        """The present trouble in TLS handshakes with the service."""
        self._loop = asyncio.get_running_loop()
        self.undecided = kind.protocol == UNDECIDED
        """Whether a connection's first bytes must still show the protocol."""
        self._arrivals = Arrivals(self, upstream) if self.undecided or upstream is None else None
        self._connected: dict[Side, socket.socket] = {}  # connections to the server that were made beforehand

    async def open(self) -> int:
        """Listen; return the port. Raises OSError."""
        kind = self._state.kind
        in_tls = self._receive_bare if kind.speech.tls is None else self._receive_either
        receives = in_tls if kind.tls == "required" else self._receive
        self._listener = await Listener.open(receives if self._arrivals is None else self._receive_unknown)
        self._losses = HopLosses(self._listener.cable, lambda: list(self.pairs))
        return self._listener.port

    async def refuse(self, *, refusing: bool) -> None:
        """Refuse connections, or accept them again."""
        if self._listener is not None:
            await self._listener.refuse(refusing=refusing)

    def lead(self, upstream: HostPort) -> None:
        """Relay new connections to another server. Open ones stay."""
        self._upstream = upstream
        if self._arrivals is not None:
            self._arrivals.lead(upstream)

    def trouble_handshakes(self, how: How | None) -> Sequence[int]:
        """Make TLS handshakes fail, or stop this; return how many had the last trouble, and how many failed."""
        last, self.trouble = self.trouble, None if how is None else Trouble(how)
        if last is not None:
            last.over.set()
        return [0, 0] if last is None else last.counts

    def close(self) -> None:
        """Free the port and end every connection at once."""
        if self._listener is not None:
            self._listener.close()
        if self._arrivals is not None:
            self._arrivals.close()
        for pair in list(self.pairs):
            pair.abort()

    def cut_all(self) -> int:
        """Close every connection; return how many there were."""
        engines = [pair.engine for pair in self.pairs if pair.engine is not None]
        for engine in engines:
            engine.cut()
        return len(engines)

    def traffic(self) -> list[Json]:
        """For each open connection: the service's port, and the bytes of each direction."""
        engines = [pair.engine for pair in self.pairs if pair.engine is not None]
        return [[engine.service_port, *engine.traffic] for engine in engines if not engine.told_end]

    @property
    def losses(self) -> HopLosses:
        """The losses on it. Raises HarnessError before it is open."""
        if self._losses is None:
            raise HarnessError("the hop is not open", hint="open it first")
        return self._losses

    # ------------------------------------------------------------------ rules

    def arm(self, rule: Rule) -> None:
        """Put a rule in force. Raises UsageError."""
        check_rule(rule, self._state.kind.speech)
        self._state.book.arm(rule)

    def disarm(self, rule_id: str) -> None:
        """Take a rule out of force, and release the bytes that it holds."""
        armed = self._state.book.disarm(rule_id)
        if armed is None:
            return
        for pair in list(self.pairs):
            if pair.engine is not None:
                pair.engine.disarmed(armed)
        for held in list(armed.holds):
            held.release()

    def release(self, rule_id: str, *, connection: int | None, count: int | None) -> int:
        """Forward the units that the rule holds; return how many. Raises HarnessError if the rule is not armed."""
        armed = self._state.book.get(rule_id)
        if armed is None:
            raise HarnessError(f"rule {rule_id!r} is not armed", hint="arm it; a rule that was disarmed holds nothing")
        held: list[Releasable] = [held for held in armed.holds if connection in (None, held.connection)][:count]
        for each in held:
            each.release()
        return len(held)

    def near_misses(self, rule_id: str) -> list[str]:
        """Describe the messages that came instead of the rule's. Raises HarnessError if it is not armed."""
        armed = self._state.book.get(rule_id)
        if armed is None:
            raise HarnessError(f"rule {rule_id!r} is not armed", hint="ask while it is armed")
        return near_misses(armed, self._state.book.sights())

    # ------------------------------------------------------------------ what passed

    def seen(self, since_ns: int) -> Iterator[Seen]:
        """Return the latest statements and ends of answers."""
        return self._state.sightings.statements(since_ns)

    def record(self, *, recording: bool) -> None:
        """Start a recording, or stop it."""
        if recording:
            self._state.sightings.begin()
        else:
            self._state.sightings.recording = False

    def recording(self) -> Iterator[Seen]:
        """Return the recorded messages."""
        return self._state.sightings.recorded()

    def count_tries(self, subjects: str, noted: str) -> None:
        """Count from now on how often each statement is sent for one subject, and note other subjects."""
        self._state.tries.begin(subjects, noted)
        self._state.ledger.begin()

    def tries(self) -> Tally:
        """Return the counts, and how its connections were used since the first one."""
        tries, ledger = self._state.tries, self._state.ledger
        return tries.tally(ledger.lives(), ledger.quiet(time.monotonic_ns()), ledger.forgotten)

    def kinds(self) -> list[Json]:
        """For each kind of message that passed: direction, name, first word of its text, whether it runs, how many."""
        return [[*kind, count] for kind, count in self._state.book.kinds().items()]

    # ------------------------------------------------------------------ for connections to a server not known yet

    def decide(self, first: bytes, greeting: bytes) -> None:
        """The first bytes of a connection, from client or server, show the protocol of all."""
        before = self._state
        self.undecided = False
        kind = dataclasses.replace(before.kind, protocol=recognised(first, greeting))
        self._state = _state(kind, before.book)
        if before.sightings.recording:
            self._state.sightings.begin()
        in_tls = first.startswith(TLS_BEGINS)
        self.report(
            Known(hop=kind.name, connection=1, t_ns=time.monotonic_ns(), protocol=kind.protocol, begins_in_tls=in_tls)
        )

    async def enter(self, service: socket.socket, server: socket.socket | None) -> None:
        """Relay a connection that was accepted already, and perhaps connected to the server."""
        pair = self.new_pair()
        if server is not None:
            self._connected[pair.server] = server
        await self._loop.connect_accepted_socket(lambda: pair.service, service)

    # ------------------------------------------------------------------ for the connections

    async def connect(self, side: Side) -> None:
        """Connect to the server. Raises OSError."""
        connected = self._connected.pop(side, None)
        if connected is not None:
            await self._loop.create_connection(lambda: side, sock=connected)
            return
        if self._upstream is None:
            raise HarnessError("the hop leads nowhere yet", hint="lead it")
        await self._loop.create_connection(lambda: side, self._upstream.host, self._upstream.port)

    def connected(self, pair: Pair, side: Side) -> None:
        """Apply the present losses to a new socket."""
        self.losses.connected(pair, side)

    def ended(self, pair: Pair) -> None:
        """Forget a connection that has ended."""
        self.pairs.pop(pair, None)
        unused = self._connected.pop(pair.server, None)
        if unused is not None:
            unused.close()

    async def _receive(self, bound: socket.socket) -> asyncio.AbstractServer:
        return await self._loop.create_server(lambda: self.new_pair().service, sock=bound, backlog=BACKLOG)

    async def _receive_bare(self, bound: socket.socket) -> Door:
        return Door(bound, lambda bare, port: self.new_pair().enter_in_tls(bare, port))

    async def _receive_either(self, bound: socket.socket) -> Beginnings:
        return Beginnings(
            bound,
            in_tls=lambda bare, port: self.new_pair().enter_in_tls(bare, port),
            plain=lambda bare: self.enter(bare, None),
        )

    async def _receive_unknown(self, bound: socket.socket) -> Door:
        if self._arrivals is None:
            raise HarnessError("the hop's server is known")
        return self._arrivals.door(bound)

    def new_pair(self) -> Pair:
        """Make a connection through the hop, whose sides are not connected yet."""
        pair = Pair(self, self._state, next(self._numbers), self._loop)
        self.pairs[pair] = None
        return pair


def _state(kind: HopKind, book: RuleBook) -> HopState:
    return HopState(kind, book, Sightings(kind.name), Tries(kind.speech), Ledger())


def unknown_hop(name: str, known: Iterable[str]) -> UsageError:
    """Make the error for a hop that does not exist."""
    return UsageError.at("relay", "hop", name, "this control session has no such hop", valid=known, mend="lay it")
