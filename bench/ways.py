"""Ways to a server: direct, through the relay, through Toxiproxy, through asyncpg's test proxy. All at once."""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.arms import Progress
from bench.idle_rules import idle_rules
from bench.services import TARGET
from harness.addresses import HostPort
from harness.engine.laying.testbed import passed_on
from harness.errors import HarnessError
from harness.polling import poll
from harness.processes.keeper import Keeper, ProcessSpec
from harness.relay import RelayControl
from harness.stack import Stack, StackConfiguration, private_folder
from harness.target import load_target

ROOT = Path(__file__).resolve().parents[1]
DIRECT = "direct"
RELAY = "relay, 16 rules"
RELAY_AGAIN = "relay, again"
TOXIPROXY = "Toxiproxy, no toxics"
FUZZING = "asyncpg's TCPFuzzingProxy"
START_WITHIN_S = 15.0

Ways = Mapping[str, HostPort]
"""By a way's name: the address for a client."""


@dataclass(slots=True)
class Crossing:
    """Running servers, the relay's control, and the event loop for the relay and the clients."""

    stack: Stack
    control: RelayControl
    runner: asyncio.Runner
    folder: Path
    owned: AsyncExitStack

    def upstream(self, protocol: str) -> HostPort:
        """The server itself."""
        return self.stack.servers[protocol].address

    def ways(self, protocol: str, names: tuple[str, ...]) -> Ways:
        """Lay these ways to the protocol's server, each separate."""
        makers: Mapping[str, Callable[[str], HostPort]] = {
            DIRECT: self.upstream,
            RELAY: lambda each: self.relayed(each, "first"),
            RELAY_AGAIN: lambda each: self.relayed(each, "again"),
            TOXIPROXY: self._through_toxiproxy,
            FUZZING: self._through_fuzzing_proxy,
        }
        return {name: makers[name](protocol) for name in names}

    def relayed(self, protocol: str, name: str) -> HostPort:
        """Lay a hop with rules armed that never match."""
        return self.runner.run(self._hop(protocol, f"{protocol}-{name}"))

    async def _hop(self, protocol: str, name: str) -> HostPort:
        hop = await self.control.lay(name, protocol=protocol, upstream=self.upstream(protocol))
        for rule in idle_rules(hop.name):
            await self.control.arm(rule)
        return hop.address

    def _through_toxiproxy(self, protocol: str) -> HostPort:
        return self.stack.toxiproxy.client().create(protocol, self.upstream(protocol)).listen

    def _through_fuzzing_proxy(self, protocol: str) -> HostPort:
        upstream = self.upstream(protocol)
        spec = ProcessSpec(
            name="fuzzing-proxy",
            argv=(sys.executable, "-m", "bench.fuzzing_proxy", upstream.host, str(upstream.port)),
            env=passed_on(),
            cwd=ROOT,
            log=self.folder / f"fuzzing-{protocol}.log",
        )
        process = self.stack.keeper.spawn(spec)
        self.owned.callback(process.stop)
        look = poll(lambda: re.match(r"(\d+)\n", process.log.read()), within_s=START_WITHIN_S)
        found = self.runner.run(look)
        if not found:
            raise HarnessError(f"asyncpg's test proxy did not start:\n{process.log.tail()}")
        return HostPort("127.0.0.1", int(found[1]))


@contextmanager
def crossing(progress: Progress) -> Iterator[Crossing]:
    """Start the servers, and stop everything at the end."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, private_folder() as folder, Keeper.start() as keeper:
        wanted = load_target(TARGET).servers
        stack = Stack.start(wanted, StackConfiguration(), folder, keeper=keeper, logs=Path(name), progress=progress)
        with stack, asyncio.Runner() as runner:
            owned = AsyncExitStack()
            try:
                control = runner.run(owned.enter_async_context(stack.relay.control()))
                yield Crossing(stack, control, runner, Path(name), owned)
            finally:
                runner.run(owned.aclose())
