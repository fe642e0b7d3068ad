"""A separate server, and the address for its client: the server's, or a hop of the relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.idle_rules import idle_rules
from bench.transparency.suites import Server, Starts
from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.processes.keeper import Keeper, LogFile
from harness.relay import Ended, RelayServer
from harness.stack import private_folder


@dataclass(slots=True)
class Place:
    """The address for a client. `connections`: how many of its connections through the relay have ended."""

    server: Server
    address: HostPort
    keeper: Keeper
    home: Path
    connections: int = 0


@asynccontextmanager
async def place_of(
    protocol: str, starts: Starts, logs: Path, *, relayed: bool, tls: bool = False
) -> AsyncIterator[Place]:
    """Start a server, and with `relayed` a relay in front of it, with armed rules so that it looks at every message.

    `tls`: the relay accepts only TLS from PostgreSQL's clients, and uses no TLS to the server. Raises HarnessError at
    the end if the relay wrote into its log: it writes only when it breaks.
    """
    with private_folder() as folder, Keeper.start() as keeper:
        for each in ("server", "relay", "home"):
            (folder / each).mkdir(mode=0o700)
        with starts(keeper, folder / "server") as server:
            place = Place(server, HostPort(server.host, server.port), keeper, folder / "home")
            if not relayed:
                yield place
                return
            log = LogFile(logs / "relay.log")
            mark = log.size()
            with RelayServer.start(keeper, folder / "relay", logs=logs) as relay:
                async with relay.control() as control:
                    hop = await control.lay(
                        "transparency", protocol=protocol, upstream=place.address, tls="required" if tls else "none"
                    )
                    for rule in idle_rules(hop.name):
                        await control.arm(rule)
                    place.address = hop.address
                    yield place
                    place.connections = sum(isinstance(report, Ended) for report in control.reports())
                if log.read(mark):
                    raise HarnessError(f"the relay wrote:\n{log.tail()}", hint="it writes only where it breaks")
