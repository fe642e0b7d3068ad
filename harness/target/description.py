"""The schema of a target description: the service under test as data.

The harness knows no more of the service. Times end in `_s` or `_ms`, sizes in `_bytes`.
"""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from harness.documents import Expression, Table, wrong
from harness.protocols.registry import PROTOCOLS
from harness.target.placeholders import SERVICE_PORT
from harness.target.sections.alerts import AlertsDescription
from harness.target.sections.effects import EffectDescription
from harness.target.sections.outcomes import OutcomeName, OutcomesDescription
from harness.target.sections.requests import (
    IdentityDescription,
    ReadDescription,
    RightDescription,
    UrlPath,
    WrongDescription,
)
from harness.target.sections.secrets import SecretsDescription
from harness.target.sections.series import Series
from harness.target.sections.service_log import LogDescription
from harness.target.sections.starts import StartDescription
from harness.target.sections.stored import StoredDescription
from harness.target.sections.times import Milliseconds, Seconds

SCHEMA = "harness.target/2"


def _expression_with_port(text: str) -> str:
    if "port" not in re.compile(text).groupindex:
        raise wrong("has no group named port", r"put (?P<port>\d+) where the port stands")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_.]*", text):
        raise wrong("not a name", "begin with a-z, go on with a-z 0-9 _ .")
    return text


def _protocol(text: str) -> str:
    if text not in PROTOCOLS:
        raise wrong("no such protocol", "", valid=PROTOCOLS)
    return text


def _some_settings(settings: dict[str, str]) -> dict[str, str]:
    if not settings:
        raise wrong("sets nothing, so it switches nothing", "name a setting, such as { WEBHOOK_RETRY = 'off' }")
    return settings


def _host_name(text: str) -> str:
    if not re.fullmatch(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62}\.)*[a-z0-9-]{0,62}[a-z]", text):
        raise wrong("not a host name", "write lower-case letters, digits, hyphens and full stops, such as db.test")
    if text.rpartition(".")[2] in LOOKED_UP_OTHERWISE:
        raise wrong("no name server is asked for such a name", "write one that ends with .test, such as db.test")
    return text


LOOKED_UP_OTHERWISE = ("local", "localhost")
ExpressionWithPort = Annotated[Expression, AfterValidator(_expression_with_port)]
Environment = dict[str, str]
Switch = Annotated[Environment, AfterValidator(_some_settings)]
Name = Annotated[str, AfterValidator(_name)]
ProtocolName = Annotated[str, AfterValidator(_protocol)]
HostName = Annotated[str, AfterValidator(_host_name)]
Label = Annotated[str, Field(min_length=1, max_length=30)]


class LinkDescription(Table):
    """One server that the service uses. Its name is the table's."""

    protocol: ProtocolName
    """What the service speaks on it."""
    server: Name | None = None
    """The server that it leads to; by default one that all links of its protocol share, named as the protocol is."""
    replica_of: Name | None = None
    """PostgreSQL: the link whose server this one reads a replica of, described above it. The service has the same user
    and database on both. Until a fault puts a standby behind it (`server.pause_replay`), it leads to that link's own
    server, which lags behind nothing."""
    read_with: Environment = Field(default={})
    """Settings with which the service reads that replica, where it does not anyway: scenarios of `harness new` start it
    so."""
    remembers: str | None = None
    """Redis: the key by which the service remembers a delivery, with `{prefix}`, `{source}` and `{id}`."""
    remembers_s: Seconds | None = None
    """Redis: how long each of its keys lives from when it was written. At rest there is none that lives longer, nor one
    that lives ten minutes less."""
    name: HostName | None = None
    """A host name by which the service may reach it: `{LINK.name}`, and `{LINK.named_url}` in place of `{LINK.url}`.
    The service's questions to name servers are then answered by the harness, which knows these names and no others.
    Where that cannot be (in a sweep, and without seccomp), both stand for the address."""
    tls: bool = Field(default=False, strict=True)
    """The service must speak TLS on this link; other connections are refused. For PostgreSQL it asks for TLS
    (SSLRequest); for Redis it begins with TLS (`{LINK.url}` is a `rediss://`).

    The harness makes a certificate for 127.0.0.1, localhost and the names of links. A service that verifies
    certificates must trust the file `{LINK.ca_file}`. To the server the harness always speaks plain text."""

    tries: PositiveInt = 10
    """How often a statement may be sent for one request, as long as it fails."""
    mean_pause_ms: Milliseconds | None = None
    """The least that the service waits on average before it sends a statement again, the first time aside: that may
    follow at once. It is judged in a run that has 20 such pauses. From one send to the next."""
    retries_per_s: PositiveInt | None = None
    """How often a statement may be sent again in any one second, for all requests together."""
    connections_at_once: PositiveInt | None = None
    """The most connections that the service may hold on it at any moment, as seen 20 times a second while a scenario
    runs. What it may hold at rest is said by `[limits]`."""
    told_by: list[Series] = Field(default=[])
    """Metrics that together say how many connections the service has on it. At rest its server must not have more."""
    reconnects: PositiveInt | None = None
    """For how many in a hundred requests, at most, the service connects anew while nothing is broken. It is judged by
    the requests that come one after the other before a scenario; without it a service may connect for each."""

    @property
    def server_name(self) -> str:
        """The name of the server that the link leads to."""
        return self.server or self.protocol


class ServiceDescription(Table):
    """How to start the service, and how to see that it is alive."""

    command: list[str] = Field(min_length=1)
    """The program and its arguments, without a shell. `{python}` is the Python that runs the harness."""
    directory: str = "."
    """Working directory, relative to the description's own folder."""
    prepare: list[str] = Field(default=[])
    """Run once, on an empty database that every service's database is then copied from."""
    preload: list[str] = Field(default=[])
    """Python modules that the service imports when it starts and that start no thread. Name libraries: the
    service's own modules are imported again in each child, because they may have changed since.

    A service whose command is `{python} -m MODULE ...` or `{python} FILE.py ...` is then forked from a
    Python that has loaded them, which takes a fraction of the time. Any other service is spawned."""
    environment: Environment
    """`{LINK.url}`, `{LINK.host}`, `{LINK.port}`, `{LINK.user}`, ... are filled in; with TLS, `{LINK.ca_file}`."""
    listening: ExpressionWithPort | None = None
    """Finds the group `port` in the line of the service's log that says where it listens. A service that logs no such
    line is given a port: write `{service.port}` in its command or its environment."""
    alive: UrlPath
    """Answers 2xx while the service lives."""
    ready: UrlPath | None = None
    """Answers 2xx while it can do its work."""
    unhandled: Expression
    """Finds an unhandled exception in the service's log."""
    start_within_s: Seconds = 15.0
    """How long it may take to listen and answer `alive`."""
    stop_within_s: Seconds = 10.0
    """How long it may take to end after SIGTERM."""
    ends_with: list[Annotated[int, Field(ge=1, le=255)]] = Field(default=[])
    """The statuses with which a start may end that must end: `lab.restart("NAME=wrong", expect=ENDS)`. Without it any
    status but 0."""
    folders: list[str] = Field(default=[])
    """Folders in which it keeps files, relative to `directory`. At rest they have no more files than in steady
    state."""

    @property
    def program(self) -> tuple[str, ...]:
        """For a Python program: the interpreter and what it runs, as in the command; else empty."""
        size = 3 if self.command[1:2] == ["-m"] else 2
        head = tuple(self.command[:size])
        return head if len(head) == size and _is_python_program(head[1:]) else ()

    @property
    def is_given_a_port(self) -> bool:
        """Whether the harness chooses the port that it listens on."""
        return any(f"{{{SERVICE_PORT}}}" in text for text in (*self.command, *self.environment.values()))

    @model_validator(mode="after")
    def _its_port_is_known(self) -> ServiceDescription:
        if self.listening is None and not self.is_given_a_port:
            mend = f"give `listening`, or write {{{SERVICE_PORT}}} where the service reads its port"
            raise wrong("nothing says on which port the service listens", mend)
        return self

    @model_validator(mode="after")
    def _only_python_is_preloaded(self) -> ServiceDescription:
        if self.preload and not self.program:
            mend = "write command = ['{python}', '-m', MODULE], or leave preload out"
            raise wrong(f"preload: {shlex.join(self.command)} is no Python program that could be forked", mend)
        return self


def _is_python_program(words: tuple[str, ...]) -> bool:
    return not any("{" in word for word in words) and (words[0] == "-m" or words[0].endswith(".py"))


class HttpTemplate(Table):
    """A sender without Python: a request with `{source}`, `{id}` and `{digest}` filled in.

    The body can be a text with those and the delivery's own body in it: `{body}` as it is, a JSON document, or
    `{base64}`. For example, `body = '{"title": "{id}", "content": {body}}'`.
    """

    method: Literal["POST", "PUT", "PATCH"] = "POST"
    """The method of every delivery."""
    path: UrlPath
    """Where it is sent to, such as `/orders/{id}`."""
    headers: dict[str, str] = Field(default={})
    """Its headers, `content-type` among them."""
    body: str | None = None
    """What is sent instead of the delivery's body alone."""


class SenderDescription(Table):
    """How a delivery is signed and sent: a Python class, or an HTTP template."""

    python: str | None = None
    """`file.py:Class`, the file relative to the description's folder."""
    http: HttpTemplate | None = None
    """In place of Python: a request with blanks that are filled in."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SenderDescription:
        if (self.python is None) == (self.http is None):
            raise wrong("one of python and http is needed", "give python = 'file.py:Class', or a table [sender.http]")
        return self


class LimitsDescription(Table):
    """What the service owes its clients."""

    request_deadline_ms: Milliseconds | None = None
    """Every request has ended by then, whatever is broken. Without it the slowest answer is reported, not judged, and
    the harness waits a minute for each."""
    scenario_s: Seconds = 120.0
    """How long a scenario may take, its own steps from first to last. One that is not over by then is cut short, and
    the run is inconclusive."""
    stop_ms: Milliseconds | None = None
    """How soon after SIGTERM, and after the last answer that it owes, its process has ended, whoever is still
    connected. Without it that is not judged."""
    recovery_s: Seconds = 10.0
    """The deadline after the last heal for acknowledging again."""
    connections: PositiveInt
    """The most connections that one service process may hold on a server when it is at rest."""
    body_bytes: int = Field(ge=100)
    """The largest body that it takes; 100 bytes are the smallest that are sent."""
    descriptors_growth: PositiveInt = 32
    """How many more descriptors than at first it may hold at rest, by the kernel's account and by its own: what its
    pools keep open."""


class ProbesDescription(Table):
    """Optional: what the service says of itself, by names of Prometheus metrics."""

    metrics: UrlPath
    """Where the metrics are."""
    checked_out: str | None = None
    """Connections of the pool that are in use: none may be at rest."""
    tasks: str | None = None
    """Tasks, threads or goroutines: at rest no more than at first."""
    descriptors: str | None = None
    """Open file descriptors: see `descriptors_growth` of `[limits]`."""
    pool: dict[Label, str] = Field(default={})
    """Metrics of the connection pool, under labels of your choice. Each is read a few times a second while a
    scenario runs, and drawn below its timeline."""
    at_ease: dict[str, float] = Field(default={})
    """Metrics, and the highest value of each in steady state. For example, a circuit breaker that a slow start has
    opened would keep requests from the fault."""
    at_rest: dict[str, float] = Field(default={})
    """Metrics, and the highest value of each at rest: a queue, for example, that must be empty."""
    counts: dict[OutcomeName, Series] = Field(default={})
    """Counters of the service's answers to deliveries, by what was answered. Over a run each must have grown by as many
    such answers as the clients had; by at most one more for each request that ended without an answer."""
    shows: list[Series] = Field(default=[])
    """Metrics that are always shown: what an operator's alerts and graphs rest on."""
    labels: dict[str, list[str]] = Field(default={})
    """All values that a label of that name may have, in all metrics. A value that comes from outside, such as the text
    of an error, makes a new series each time, which is never given up."""
    counts_from_zero: bool = Field(default=False, strict=True)
    """Each of those counters is shown from the start, at 0: an alert on one that is not there never rings."""


class ProtectionDescription(Table):
    """One thing that the service does against faults."""

    about: str
    """A sentence for the reports."""
    off: Switch
    """Settings that switch it off."""
    variants: dict[Name, Switch] = Field(default={})
    """Settings that make it wrong in another way: too eager, too patient."""


class ProfileDescription(Table):
    """A named set of switches."""

    about: str
    """A sentence for the reports."""
    without: list[str] = Field(default=[])
    """Protections that are off in it."""
    environment: Environment = Field(default={})
    """Settings beyond switches, set after them."""


class InterleavingsDescription(Table):
    """Optional: orders of two requests' statements, all of which the gate plays as one scenario."""

    mixes: tuple[Literal["copies", "deliveries", "read"], ...]
    """Two copies of a delivery, two deliveries, a delivery and a read."""
    proves: Name
    """The protection without which an order must fail."""
    fails: Literal["acknowledged_is_stored", "stored_once", "nothing_foreign", "same_answer_again"]
    """The check that it must fail by."""
    at_most: int = Field(default=100, ge=1)
    """Orders of each mix. A service that makes more of them is not judged by some: the run is inconclusive."""


class ContractDescription(Table):
    """What the service owes beyond its deliveries. Each scenario sends these requests before and after its faults."""

    taken_id: OutcomeName | None = None
    """What a delivery gets whose id is taken by another body: `conflict`, or `already` where bodies are not compared.
    Without it no such request is sent."""
    repeat_is_same: bool = Field(default=False, strict=True)
    """A repeat gets the first answer again, to the byte. Otherwise it must only be acknowledged, or `already`."""
    keeps_connections: bool = Field(default=False, strict=True)
    """After an answer a client may use its connection again within two seconds, until it sends `Connection: close`,
    after which the service ends it. The contract's requests then share a connection. Otherwise each has its own."""


class HealthDescription(Table):
    """Optional: what the service's word about its own health depends on.

    The harness samples that word during a whole run, and compares it with what becomes of the deliveries around it.
    """

    ready_needs: list[Name] = Field(default=[])
    """The links without which the service can acknowledge nothing. It must not call itself ready while one of them is
    away and nothing is acknowledged."""
    alive_needs: list[Name] = Field(default=[])
    """The links without which it may call itself not alive. Usually none: a supervisor would restart it, in vain."""
    within_ms: Milliseconds | None = None
    """How long an answer about its health may take, whatever is away: less than a second, after which the harness does
    not wait for it any more. Without it only what was answered is judged."""
    tells_away: Expression | None = None
    """Finds, in an answer to `ready`, that a link is away; `{link}` stands for its name. It must be found for each link
    that a fault takes away as a whole, and for no link while nothing is broken."""


class TargetDescription(Table):
    """The whole target description, `target.toml`."""

    schema_: Literal["harness.target/2"] = Field(alias="schema")
    """The version of this file's form."""
    name: Name
    """The service's name in reports."""
    service: ServiceDescription
    """How to start it."""
    links: dict[Name, LinkDescription]
    """The servers that it uses, by name."""
    servers: dict[Name, dict[str, Any]] = Field(default={})
    """What each server is started with, where the harness starts it. The keys are its protocol's."""
    sender: SenderDescription
    """What a delivery is."""
    outcomes: OutcomesDescription = OutcomesDescription()
    """What its answers mean."""
    reads: dict[Name, ReadDescription] = Field(default={})
    """Requests that ask what is stored, by name."""
    right: dict[Name, RightDescription] = Field(default={})
    """Unusual deliveries that must be acknowledged, by name."""
    wrong: dict[Name, WrongDescription] = Field(default={})
    """Requests that must be rejected, by name."""
    identities: dict[Name, IdentityDescription] = Field(default={})
    """Senders other than the first, by name."""
    starts: dict[Name, StartDescription] = Field(default={})
    """Starts that must fail, or come up, by name."""
    contract: ContractDescription = ContractDescription()
    """What else it owes."""
    health: HealthDescription = HealthDescription()
    """What its word about its own health depends on."""
    residue: dict[Label, Annotated[int, Field(ge=0)]] = Field(default={})
    """How much of each kind the service may leave behind at rest. Of Redis: `keys without expiry`, `keys without the
    prefix` and `keys of another lifetime` than `remembers_s`, which are not judged without a limit. Of PostgreSQL:
    `prepared transactions` and `advisory locks`, none of which may stay unless a limit says so.

    Of its process, by the kernel's account: how many more `threads` (32), `child processes` (8) and `files` (0) in
    its `folders` there may be than in steady state. `half-closed connections` (0): those to its clients that one side
    has closed, and that it still holds. `bytes per request`: by how much its memory may grow. It is judged only with
    a limit, and in runs of 900 requests or more. `deliveries remembered`: of how many in a hundred of a scenario's
    first deliveries the id may still be in its memory. Judged only with a limit, after 400 requests. `ports open to
    others`: on how many ports it may listen where other machines reach it. Judged only with a limit."""
    secrets: SecretsDescription = SecretsDescription()
    """What it must never tell."""
    log: LogDescription = LogDescription()
    """What its log must tell."""
    effects: dict[Name, EffectDescription] = Field(default={})
    """What else exists when a delivery is stored, by name."""
    stored: StoredDescription
    """How to list what it has stored."""
    limits: LimitsDescription
    """How long it may take, and how much it may use."""
    probes: ProbesDescription | None = None
    """What it says of itself."""
    alerts: AlertsDescription | None = None
    """The rules by which it is watched in production."""
    interleavings: InterleavingsDescription | None = None
    """Whether all orders of two requests' statements are tried."""
    protections: dict[Name, ProtectionDescription] = Field(default={})
    """What it does against faults, and how to switch that off. A scenario proves one by its name."""
    profiles: dict[Name, ProfileDescription] = Field(default={"hardened": ProfileDescription(about="As it is.")})
    """The ways in which it can be run, by name."""
    default_profile: str = "hardened"
    """The profile of a run that names none."""
