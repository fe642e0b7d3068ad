"""Where a fault is injected: one service, its links, and a witness that records the evidence."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.faults.asking import Asking
from harness.faults.clients.callers import Callers
from harness.faults.evidence import EvidenceKind
from harness.history.events import FailedOver, MessageMet, SessionLeaked
from harness.processes.keeper import LogFile
from harness.protocols.contract.about import server_title
from harness.protocols.contract.storage import Own
from harness.relay import RelayControl
from harness.stack.resolver import Resolver
from harness.stack.servers.server import Server
from harness.stack.service.service import SECCOMP, ServiceProcess
from harness.stack.tcp.sockets import TcpConnection, connections
from harness.stack.toxiproxy.server import ToxiproxyServer
from harness.vocabulary import Link

if TYPE_CHECKING:
    from harness.faults.fault import Fault


@dataclass(frozen=True, slots=True)
class LaidProxy:
    """Toxiproxy's part of a link: its name for it, and the address that the relay dials."""

    name: str
    port: int
    host: str = "127.0.0.1"

    @property
    def address(self) -> HostPort:
        """The address that the relay dials."""
        return HostPort(self.host, self.port)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidLink:
    """One link of one service, with its ports: service, relay, Toxiproxy (unless left out), server."""

    link: Link
    hop: str
    """The relay's name for it."""
    host: str
    port: int
    """The relay's port, to which the service connects."""
    words: Mapping[str, str]
    """The values of the target description's placeholders."""
    server: str
    """The name of the server that it leads to."""
    upstream: HostPort
    """The server's address."""
    own: Own
    """The service's own part of the server."""
    log: LogFile | None
    through: LaidProxy | None = None
    """None if the link was laid without Toxiproxy: then the relay dials the server."""
    remembers: str | None = None
    stored: str | None = None
    """The SQL that lists what the service has stored there; None if the target has none, or for another link."""
    remembers_s: float | None = None
    tls: bool = False
    """Whether the relay speaks TLS to the service."""
    name: str | None = None
    """The host name by which the service may reach it."""
    replica_of: str | None = None
    """The link whose user and database the service reads with here; None if this link has a part of its own."""
    pool_of: str | None = None
    """The link whose user and database it may use through a pooler here; None as above."""

    sentinel_of: str | None = None
    """The link whose server a Sentinel on this link watches; None as above."""

    @property
    def shares(self) -> str | None:
        """The link whose user and database the service shares here; None if this link has a part of its own."""
        return self.replica_of or self.pool_of or self.sentinel_of

    @property
    def server_title(self) -> str:
        """The name of its server in evidence: "PostgreSQL", or "PostgreSQL (ledger)"."""
        return server_title(self.link.protocol, self.server)

    @property
    def admin_url(self) -> str:
        """The URL for the harness as superuser: past the proxy, to the service's part of the server."""
        return self.own.admin_url

    @property
    def proxy(self) -> str:
        """Toxiproxy's name for the link. Raises HarnessError if the link is without Toxiproxy."""
        return self._through.name

    @property
    def proxy_port(self) -> int:
        """Toxiproxy's port, which the relay dials. Raises HarnessError as `proxy` does."""
        return self._through.port

    @property
    def proxy_address(self) -> HostPort:
        """Toxiproxy's address, which the relay dials. Raises HarnessError as `proxy` does."""
        return self._through.address

    @property
    def _through(self) -> LaidProxy:
        if self.through is None:
            raise HarnessError(f"{self.link} has no Toxiproxy in this run", hint="lay it with via_toxiproxy=True")
        return self.through


@dataclass(slots=True)
class ServerChange:
    """A fault's change to a server that goes beyond the service's own part. `server`: its name.

    `may_end_it`: whether it may be the reason if the server ends; this holds until the server has served another
    client. `mended`: whether another run can use the server again.
    """

    server: str
    fault: Fault
    may_end_it: bool = True
    mended: bool = False


class Witness(Protocol):
    """Records that a fault took effect."""

    def __call__(
        self,
        what: str,
        source: str,
        detail: str,
        *,
        t_ns: int | None = None,
        at: MessageMet | None = None,
        deliveries: tuple[str, ...] = (),
    ) -> None:
        """Record it.

        `what`: the kind of evidence. `source`: who observed it. `t_ns`: when (CLOCK_MONOTONIC), if not now. `at`: the
        message that the fault struck, if it strikes at messages. `deliveries`: those whose messages it struck, where
        these are several.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything that an injection can use."""

    service: ServiceProcess
    links: dict[str, LaidLink]
    servers: dict[str, Server] = field(default_factory=dict)
    """The servers behind the links, by their names in the target description; a standby has its link's name."""
    relay: RelayControl
    relay_pid: int
    toxiproxy: ToxiproxyServer
    witness: Witness
    ids_to_come: tuple[tuple[str, str], ...] = ()
    """(source, id) of deliveries that the scenario may still send."""
    allow_hosts: frozenset[str] = frozenset()
    """Other machines that the service may be sent to."""
    server_changes: list[ServerChange] = field(default_factory=list)
    """Faults that changed more than the service's own part of a server. If one is not undone, the next run needs a new
    server."""
    patience_s: float = 0.0
    """How long a request to the service may take."""
    leaked: Callable[[SessionLeaked], object]
    """Records a session that the service leaked."""
    failed_over: Callable[[FailedOver, int], object]
    """Records a failover, and when (CLOCK_MONOTONIC) the service's links led to the new primary."""
    resolver: Resolver | None = None
    """The name server that the service is led to, if a link has a name."""
    callers: Callers = field(default_factory=Callers)
    """The clients whose requests a fault may end: the scenario's, or those of one step."""
    asking: Asking = field(default_factory=Asking)
    """A fault that counts the service's clients pauses it."""

    def saw(
        self,
        kind: EvidenceKind,
        detail: str,
        *,
        t_ns: int | None = None,
        at: MessageMet | None = None,
        deliveries: tuple[str, ...] = (),
        server: LaidLink | None = None,
    ) -> None:
        """Record evidence of a kind that the fault's class declares.

        `detail`: what was observed, with its figures. `deliveries`: see `EvidenceSeen`. `server`: the link to the
        server that observed it; the evidence then names that server.
        """
        source = kind.source if server is None else server.server_title
        if source == SECCOMP:
            source = self.service.connects_seen_by
        self.witness(kind.kind, source, detail, t_ns=t_ns, at=at, deliveries=deliveries)

    @property
    def words(self) -> Mapping[str, str]:
        """The values of the placeholders of all links: `postgres.url` and so on."""
        return {f"{name}.{word}": text for name, laid in self.links.items() for word, text in laid.words.items()}

    @property
    def hops(self) -> Mapping[str, str]:
        """The relay's name for each link, by the link's name."""
        return {name: laid.hop for name, laid in self.links.items()}

    async def relink(self, server: Server) -> None:
        """Lead every link of this server to its new place, after a failover. The service keeps its own addresses.

        Connections through Toxiproxy end. Raises HarnessError for a link without Toxiproxy.
        """
        for laid in self._links_to(server):
            await asyncio.to_thread(self.toxiproxy.client().set_upstream, laid.proxy, server.address)
            await self.relay.lead(laid.hop, laid.proxy_address)
            self._is_at(server, laid)

    async def lead_new_connections(self, server: Server) -> None:
        """Lead new connections to this server's new place, past Toxiproxy. Open ones stay."""
        for laid in self._links_to(server):
            await self.relay.lead(laid.hop, server.address)
            self._is_at(server, laid)

    async def lead(self, link: Link, server: Server, own: Own) -> None:
        """Lead one link to another server, where the service has `own`. Connections through Toxiproxy end."""
        laid = self.laid(link)
        await asyncio.to_thread(self.toxiproxy.client().set_upstream, laid.proxy, server.address)
        await self.relay.lead(laid.hop, laid.proxy_address)
        self.links[link.name] = dataclasses.replace(
            laid, server=server.name, upstream=server.address, log=server.log, own=own
        )

    def upset(self, link: Link, *, but: ServerChange | None = None) -> ServerChange | None:
        """The latest change of the link's server that is still in force.

        The harness may be unable to reach this server.

        None if `but` is the only one, or if the change outlives the fault, which is reported in another way.
        """
        server = self.laid(link).server
        changes = [each for each in self.server_changes if each.server == server and not each.mended]
        return next((each for each in reversed(changes) if each is not but and not each.fault.lasting), None)

    @property
    def own_links(self) -> Sequence[LaidLink]:
        """The links on which the service has its own part of a server, and shares no other link's."""
        return [laid for laid in self.links.values() if laid.shares is None]

    def _links_to(self, server: Server) -> Sequence[LaidLink]:
        return [laid for laid in self.links.values() if laid.server == server.name]

    def _is_at(self, server: Server, laid: LaidLink) -> None:
        self.links[laid.link.name] = dataclasses.replace(laid, upstream=server.address, log=server.log)

    def stack_server(self, link: Link) -> str:
        """The name of the stack's server that a link leads to, directly or through a standby or pooler."""
        laid = self.laid(link)
        return laid.server if laid.shares is None else self.links[laid.shares].server

    def laid(self, link: Link) -> LaidLink:
        """The link with its ports. Raises UsageError if the target has no link with that name."""
        if link.name not in self.links:
            raise UsageError.at("fault", "link", link.name, "the target has no such link", valid=self.links)
        return self.links[link.name]

    async def connections(self, link: Link) -> tuple[TcpConnection, ...]:
        """The service's connections on a link, as the kernel lists them."""
        return await asyncio.to_thread(connections, self.service.pids(), self.laid(link).port)

    async def connections_by_link(self) -> Mapping[str, Sequence[TcpConnection]]:
        """The service's connections on each link, by its name: one look at the kernel's list for all."""
        ports = {laid.port: name for name, laid in self.links.items()}
        found = await asyncio.to_thread(connections, self.service.pids(), *ports)
        return {name: [each for each in found if each.remote.port == port] for port, name in ports.items()}

    async def upstream_connections(self, link: Link) -> tuple[TcpConnection, ...]:
        """Toxiproxy's connections to the link's server; none if Toxiproxy was given by URL.

        This includes all services of the stack, but only one run at a time uses it.
        """
        if self.toxiproxy.process is None:
            return ()
        return await asyncio.to_thread(connections, [self.toxiproxy.process.pid], self.laid(link).upstream.port)

    async def relayed_connections(self, link: Link) -> tuple[TcpConnection, ...]:
        """The relay's connections to Toxiproxy for this link: one for each of the service's."""
        return await asyncio.to_thread(connections, [self.relay_pid], self.laid(link).proxy_port)
