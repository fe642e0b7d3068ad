"""The losses of a hop: applies them to its listener and its connections, and counts the dropped segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from harness.errors import HarnessError, UsageError
from harness.processes.socket_filter import LOSE_ALL, LOSE_NEWS, Filter, lose_larger, lose_share
from harness.relay.connection.side import Side
from harness.relay.hop.cable import Cable
from harness.relay.hop.idle_watch import IdleWatch
from harness.relay.hop.losses import Loss, Lost

LAST_ACKNOWLEDGEMENT_S: Final = 0.3
"""Longer than the kernel's first retransmission time (200 ms). By then the relay's last bytes are acknowledged."""


class Line(Protocol):
    """The part of a relayed connection that losses need."""

    @property
    def service(self) -> Side:
        """The service's socket."""
        ...

    @property
    def server(self) -> Side:
        """The server's socket."""
        ...

    @property
    def service_port(self) -> int | None:
        """The service's port; None before it is known."""
        ...

    @property
    def holds(self) -> bool:
        """Whether a rule holds bytes on it."""
        ...

    def forget_server(self) -> bool:
        """End the server's side without the service's knowledge. Return whether an answer was due."""
        ...

    def abort(self) -> None:
        """Close both sides at once."""
        ...


@dataclass(slots=True)
class _Active:
    loss: Loss
    lines: dict[Line, None] = field(default_factory=dict)
    waiting: int = 0
    on: bool = True
    watch: IdleWatch[Line] | None = None


class HopLosses:
    """`door`: the cable of the hop's listener. `lines`: returns its open connections."""

    def __init__(self, door: Cable, lines: Callable[[], Iterable[Line]]) -> None:
        self._door = door
        self._lines = lines
        self._known: dict[str, _Active] = {}
        self._loop = asyncio.get_running_loop()

    def begin(self, loss_id: str, loss: Loss) -> None:
        """Drop segments from now on. Raises HarnessError if the kernel refuses, UsageError for an id that is taken."""
        if loss_id in self._known:
            mend = "give it another id"
            raise UsageError.at("relay", "loss", loss_id, "another loss has this id", mend=mend)
        active = self._known[loss_id] = _Active(loss)
        try:
            if loss.new:
                self._door.lose(loss_id, _whole(loss))
            if loss.idle_s is not None:
                self._watch(loss_id, active, loss.idle_s)
            elif loss.open:
                for line in self._lines():
                    if line.holds or not loss.held:
                        self._strike(loss_id, active, line, LOSE_NEWS if loss.total else _whole(loss))
        except OSError as error:
            self.end(loss_id, gone=())
            raise HarnessError(f"the kernel takes no filter on a socket of the relay's: {error}") from error
        if loss.total and loss.open and loss.idle_s is None:
            self._loop.call_later(LAST_ACKNOWLEDGEMENT_S, self._go_dead, loss_id)

    def connected(self, line: Line, side: Side) -> None:
        """A connection has a new socket: apply the present losses to it, and not those that a listener had before."""
        for loss_id, active in self._known.items():
            if active.on and (line in active.lines or active.loss.new) and active.loss.concerns(side.direction):
                active.lines[line] = None
                side.cable.lose(loss_id, _whole(active.loss))
        if self._known:
            side.cable.laid()

    def end(self, loss_id: str, *, gone: Collection[int]) -> Lost:
        """Stop dropping; return the losses. Idempotent.

        `gone`: the service's ports of connections that it has closed. The relay closes them, too: their FIN may have
        been lost, and the relay would notice only when it sends something.
        """
        active = self._active(loss_id)
        if active.on:
            active.on = False
            if active.watch is not None:
                active.watch.stop()
            self._door.restore(loss_id)
            for line in active.lines:
                line.service.cable.restore(loss_id)
                line.server.cable.restore(loss_id)
                if active.loss.forgets:
                    line.service.reset()  # as a server does with a segment of a connection that it does not know
                elif line.service_port in gone:
                    line.abort()
        return self.lost(loss_id)

    def lost(self, loss_id: str) -> Lost:
        """Return the losses so far."""
        active = self._active(loss_id)
        connections = {
            line.service_port: (line.service.cable.lost(loss_id), line.server.cable.lost(loss_id))
            for line in active.lines
            if line.service_port is not None
        }
        return Lost(connects=self._door.lost(loss_id), connections=connections, waiting=active.waiting)

    # ------------------------------------------------------------------ inside

    def _active(self, loss_id: str) -> _Active:
        if loss_id not in self._known:
            raise UsageError.at("relay", "loss", loss_id, "no such loss was begun", valid=self._known, mend="begin it")
        return self._known[loss_id]

    def _watch(self, loss_id: str, active: _Active, idle_s: float) -> None:
        def lines() -> Iterable[Line]:
            return [line for line in self._lines() if line not in active.lines]

        def found(line: Line) -> None:
            self._strike(loss_id, active, line, LOSE_ALL)

        active.watch = IdleWatch(idle_s, lines, found)
        active.watch.look()

    def _go_dead(self, loss_id: str) -> None:
        active = self._known[loss_id]
        if active.on:
            for line in active.lines:
                self._lose(loss_id, active, line, LOSE_ALL)

    def _strike(self, loss_id: str, active: _Active, line: Line, chosen: Filter) -> None:
        active.lines[line] = None
        if active.loss.forgets:
            active.waiting += line.forget_server()
        self._lose(loss_id, active, line, chosen)

    def _lose(self, loss_id: str, active: _Active, line: Line, chosen: Filter) -> None:
        for side in (line.service, line.server):
            if active.loss.concerns(side.direction):
                side.cable.lose(loss_id, chosen)


def _whole(loss: Loss) -> Filter:
    if loss.above_bytes is not None:
        return lose_larger(loss.above_bytes)
    return LOSE_ALL if loss.total else lose_share(loss.percent)
