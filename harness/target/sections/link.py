"""A link of a target: one server that the service uses. `[links.NAME]`."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from harness.documents import Table
from harness.target.sections.series import Series
from harness.target.sections.times import Milliseconds, Seconds
from harness.target.sections.words import Environment, HostName, Name, ProtocolName


class LinkDescription(Table):
    """One server that the service uses. Its name is the table's."""

    protocol: ProtocolName
    """The protocol of the link."""
    server: Name | None = None
    """The server to which it leads. By default all links of a protocol share one server, whose name is the protocol's.
    """
    replica_of: Name | None = None
    """PostgreSQL: the link whose server has the replica that the service reads here. It must be described above this
    link. The service has the same user and database on both. Until a fault puts a standby behind it
    (`server.pause_replay`), it leads to that link's own server, which never lags."""
    read_with: Environment = Field(default={})
    """Settings that make the service read that replica, if it does not do so by default. Scenarios of `harness new` use
    them.
    """
    pool_of: Name | None = None
    """PostgreSQL: the link that is pooled here. It must be described above this link. The service has the same user
    and database on both. Until `server.pooler` puts a PgBouncer behind it, it leads to that link's own
    server. Then PgBouncer's connections to the server use that link, so its faults strike them."""
    pooled_with: Environment = Field(default={})
    """Settings that make the service use that pooler, if it does not do so by default. Scenarios of `harness new` use
    them.
    """
    sentinel_of: Name | None = None
    """Redis: the link whose server the Sentinel on this link watches. It must be described above this link. Until
    `server.sentinel` puts a Sentinel behind it, it leads to that link's own server, which is not a Sentinel."""
    found_with: Environment = Field(default={})
    """Settings that make the service ask that Sentinel, if it does not do so by default. Scenarios of `harness new` use
    them.
    """
    remembers: str | None = None
    """Redis: the key by which the service remembers a delivery, with `{prefix}`, `{source}` and `{id}`."""
    remembers_s: Seconds | None = None
    """Redis: how long each of its keys lives after it was written. At rest no key may live longer, and none may live
    ten minutes less.
    """
    name: HostName | None = None
    """A host name by which the service may reach it: `{LINK.name}`, and `{LINK.named_url}` in place of `{LINK.url}`.
    The harness then answers the service's queries to name servers. It knows only these names. Where this is impossible
    (in a sweep, and without seccomp), both stand for the address."""
    tls: bool = Field(default=False, strict=True)
    """The service must speak TLS on this link; other connections are refused. For PostgreSQL it asks for TLS
    (SSLRequest) or begins with it (`sslnegotiation=direct`); for Redis it begins with TLS (`{LINK.url}` is a
    `rediss://`).

    The harness makes a certificate for 127.0.0.1, localhost and the names of links. A service that verifies
    certificates must trust the file `{LINK.ca_file}`. To the server the harness then speaks plain
    text. With `false`, a service that asks your own PostgreSQL for TLS gets it if that server supports TLS, with the
    harness's certificate."""

    tries: PositiveInt = 10
    """How often a failing statement may be sent for one request."""
    mean_pause_ms: Milliseconds | None = None
    """The shortest average pause before the service sends a statement again. The first retry does not count: it may
    follow at once. A pause is from one send to the next. It is judged in a run that has 20 of them.
    """
    retries_per_s: PositiveInt | None = None
    """How often statements may be sent again in any one second, for all requests together."""
    connections_at_once: PositiveInt | None = None
    """The most connections that the service may hold on it at any moment, as seen 20 times a second while a scenario
    runs. `[limits]` says what it may hold at rest."""
    told_by: list[Series] = Field(default=[])
    """Metrics that together say how many connections the service has on it. At rest its server must not have more
    connections than that, and before any fault it must not have fewer."""
    keepalive: bool = Field(default=False, strict=True)
    """Each of the service's connections must have TCP keepalive (SO_KEEPALIVE): without it a connection whose line is
    dead stays in the pool. The harness reads the kernel's timers at rest, in runs with every protection on."""
    reconnects: PositiveInt | None = None
    """For how many of a hundred requests the service may reconnect while nothing is broken. The harness judges it by
    the requests that it sends one after the other before a scenario. Without this key a service may connect for each.
    """

    @property
    def shares(self) -> str | None:
        """The link whose user and database the service shares here; None if this link has a part of its own."""
        return self.replica_of or self.pool_of or self.sentinel_of

    @property
    def server_name(self) -> str:
        """The name of the server that the link leads to."""
        return self.server or self.protocol
