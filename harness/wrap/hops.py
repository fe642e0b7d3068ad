"""Gives each server to which a command connects a hop of the relay."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Final

from harness.addresses import HostPort
from harness.processes.syscalls import CatchRule, Caught, NotLed, SyscallEvent, reached_by
from harness.relay import UNDECIDED, Hop, Known, RelayControl
from harness.wrap.observed import PassedBy, SeenConnections, ServerSeen

AHEAD: Final = 32
"""How many hops wait for servers: a program connects faster than a hop can be laid."""
RULE: Final = "wrap"


class Catching:
    """The hops of one run. `machines`: addresses of other machines whose servers are relayed, too."""

    def __init__(self, control: RelayControl, machines: Sequence[str]) -> None:
        self.control = control
        self._machines = tuple(machines)
        self._free: list[Hop] = []
        self._by_port: dict[int, Hop] = {}
        self._known: dict[str, ServerSeen] = {}
        self._addresses: dict[str, HostPort] = {}
        self._connects = Counter[str]()
        self._passed = Counter[tuple[HostPort, NotLed]]()
        self._local = Counter[str]()
        self._recording = False

    async def lay(self, known: Sequence[ServerSeen] = (), *, recording: bool = False) -> None:
        """Lay hops for these servers, under their names, and some for servers that are new."""
        self._recording = recording
        for server in known:
            hop = await self.control.lay(server.name, protocol=server.protocol, upstream=server.address, tls="passed")
            self._by_port[hop.port] = hop
            self._known[server.name] = server
            self._addresses[server.name] = server.address
            await self._record(hop)
        await self.lay_ahead()

    async def lay_ahead(self) -> None:
        """Lay hops until enough are free."""
        while len(self._free) < AHEAD:
            taken = {hop.name for hop in self._by_port.values()}
            name = next(name for number in itertools.count(1) if (name := f"server-{number}") not in taken)
            hop = await self.control.lay(name, protocol=UNDECIDED, upstream=None, tls="passed")
            self._by_port[hop.port] = hop
            self._free.append(hop)
            await self._record(hop)

    async def _record(self, hop: Hop) -> None:
        if self._recording:
            await self.control.record(hop.name, True)

    def rule(self) -> CatchRule:
        """The rule that redirects the command's connects to the hops."""
        ports = {hop.name: hop.port for hop in self._by_port.values()}
        known = tuple(Caught(host=at.host, port=at.port, to_port=ports[name]) for name, at in self._addresses.items())
        free = tuple(hop.port for hop in self._free)
        return CatchRule(id=RULE, ports=free, known=known, machines=self._machines)

    async def take(self, event: SyscallEvent) -> bool:
        """Record a connect of the command. Return whether it was to a new server, so that a hop is used up."""
        if event.port is None or event.host is None:
            if event.path:
                self._local[event.path] += 1
            return False
        dialled = HostPort(reached_by(event.host), event.port)
        if event.not_led is not None:
            self._passed[dialled, event.not_led] += 1
        hop = None if event.led_to is None else self._by_port[event.led_to]
        if hop is None:
            return False
        self._connects[hop.name] += 1
        if hop.name in self._addresses:
            return False
        self._addresses[hop.name] = dialled
        self._free.remove(hop)
        await self.control.lead(hop.name, dialled)
        return True

    async def saw(self) -> SeenConnections:
        """The observations so far."""
        await self.control.sync()
        known = {each.hop: each for each in self.control.reports() if isinstance(each, Known)}
        servers = [await self._server(name, known.get(name)) for name in self._addresses if self._connects[name]]
        passed = [PassedBy(address, why, count) for (address, why), count in self._passed.items()]
        return SeenConnections(servers=servers, passed=passed, local=dict(self._local))

    async def _server(self, name: str, told: Known | None) -> ServerSeen:
        before = self._known.get(name)
        protocol = told.protocol if told is not None else before.protocol if before is not None else ""
        return ServerSeen(
            name=name,
            address=self._addresses[name],
            protocol=protocol,
            begins_in_tls=told is not None and told.begins_in_tls,
            connects=self._connects[name],
            kinds=await self.control.kinds(name) if protocol else (),
        )
