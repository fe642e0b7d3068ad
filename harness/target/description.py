"""The schema of a target description: the service under test as data.

The harness knows nothing else about the service. Times end in `_s` or `_ms`, sizes in `_bytes`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from harness.documents import Expression, Table, Text, wrong
from harness.target.placeholders import VERSION
from harness.target.sections.alerts import AlertsDescription
from harness.target.sections.effects import EffectDescription
from harness.target.sections.link import LinkDescription
from harness.target.sections.outcomes import OutcomeName, OutcomesDescription
from harness.target.sections.requests import (
    IdentityDescription,
    ReadDescription,
    RightDescription,
    UpdateDescription,
    UrlPath,
    WrongDescription,
)
from harness.target.sections.secrets import SecretsDescription
from harness.target.sections.series import Series
from harness.target.sections.service import ServiceDescription
from harness.target.sections.service_log import LogDescription
from harness.target.sections.starts import StartDescription
from harness.target.sections.stored import StoredDescription
from harness.target.sections.times import Milliseconds, Seconds
from harness.target.sections.words import Environment, Label, Name, Switch
from harness.vocabulary.ids import Naming

SCHEMA = "harness.target/2"
SCHEMA_FILE: Final = Path(__file__).with_name("target.schema.json")
"""The same as JSON Schema, for editors. `python -m tests.pages.target_schema` writes this file."""


def _gives(text: str) -> str:
    if "given" not in re.compile(text).groupindex:
        raise wrong("has no group named given", "put (?P<given>...) where the id stands that the service gives")
    return text


def _version(text: str) -> str:
    if VERSION not in re.compile(text).groupindex:
        raise wrong(
            "has no group named version", "put (?P<version>...) where the version stands: 'etag: (?P<version>.+)'"
        )
    return text


class HttpTemplate(Table):
    """A sender without Python: a request with `{source}`, `{id}`, `{uuid}`, `{number}` and `{digest}` filled in.

    If the service accepts only UUIDs as ids, write `{uuid}` in place of `{id}`, also in `[reads]`; if it accepts only
    numbers, write `{number}` (16 digits). They stand for the id: `[stored]` may then list them as `id`.

    The body can be a text with these placeholders and the delivery's own body: `{body}`, which is a JSON document, or
    `{base64}`. For example, `body = '{"title": "{id}", "content": {body}}'`.

    That document contains values that careless code cannot handle: NUL and lone surrogates, which `jsonb` refuses,
    large numbers, deep nesting, up to `body_bytes`. If the service may refuse such a text, write a body with only
    `{id}` and `{digest}`. `[stored]` can then list the stored digest.
    """

    method: Literal["POST", "PUT", "PATCH"] = "POST"
    """The method of every delivery."""
    path: UrlPath
    """The path to which it is sent, such as `/orders/{id}`."""
    headers: dict[str, str] = Field(default={})
    """Its headers, `content-type` among them."""
    body: str | None = None
    """The body to send, if it is not just the delivery's body."""

    @property
    def carries_body(self) -> bool:
        """Whether the sent body contains the delivery's own body."""
        return self.body is None or "{body}" in self.body or "{base64}" in self.body


class SenderDescription(Table):
    """How a delivery is signed and sent: a Python class, or an HTTP template."""

    python: str | None = None
    """`file.py:Class`, the file relative to the description's folder."""
    http: HttpTemplate | None = None
    """In place of Python: a request with placeholders."""
    gives: Annotated[Expression, AfterValidator(_gives)] | None = None
    """Finds the id that the service itself gives to a delivery: a group `given`. The harness looks for it in each
    answer that acknowledges a delivery, first in the headers (`location: /orders/17`), then in the body. `{given}` in
    `[reads]` and `[changes]` stands for it. A delivery keeps this id, and no other delivery has it."""

    version: Annotated[Expression, AfterValidator(_version)] | None = None
    """Finds the version of a delivery: a group `version`. The harness looks for it in each answer that acknowledges the
    delivery, a read or a change of it, first in the headers (`etag: (?P<version>.+)`), then in the body. `{version}` in
    `[changes]` stands for the newest, so a change can name the version that it is about: `if-match = "{version}"`."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SenderDescription:
        if (self.python is None) == (self.http is None):
            raise wrong("one of python and http is needed", "give python = 'file.py:Class', or a table [sender.http]")
        return self


class LimitsDescription(Table):
    """What the service owes its clients."""

    request_deadline_ms: Milliseconds | None = None
    """Every request must have ended by then, whatever is broken. Without this key, the slowest answer is reported but
    not judged, and the harness waits a minute for each."""
    scenario_s: Seconds = 120.0
    """How long the steps of a scenario may take, from first to last. A scenario that takes longer is stopped, and the
    run is inconclusive.
    """
    idle_wait_ms: Milliseconds | None = None
    """How long a request may wait while the service waits for no server: no answer is due on any link, no connection is
    being opened, and nothing that the request needs has failed (after a failure a pause would be right). Without this
    key it is not judged, because only the service's authors know what it does in such a time."""
    stop_ms: Milliseconds | None = None
    """How soon its process must end after SIGTERM and after the last answer that it owes, even if clients are still
    connected. Without this key it is not judged."""
    backlog: PositiveInt | None = None
    """How many connections, at least, can wait in its listening socket's queue according to the kernel; or as many as
    `net.core.somaxconn` allows. A client that finds no room in the queue waits a second or longer. Without this key it
    is not judged."""
    recovery_s: Seconds = 10.0
    """How soon after the last heal the service must acknowledge again."""
    connections: PositiveInt
    """The most connections that one service process may hold on a server when it is at rest."""
    body_bytes: int = Field(ge=100)
    """The largest body that it accepts. The harness sends bodies from 100 bytes up to this size."""
    descriptors_growth: PositiveInt = 32
    """How many more descriptors than in steady state it may hold at rest, by the kernel's and by its own count, for
    example for its pools.
    """


class ProbesDescription(Table):
    """Optional: the names of the service's Prometheus metrics."""

    metrics: UrlPath
    """The path of the metrics."""
    checked_out: str | None = None
    """Pool connections that are in use. At rest there must be none."""
    tasks: str | None = None
    """Tasks, threads or goroutines. At rest there must be no more than in steady state."""
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
    """Counters of the service's answers to deliveries, by outcome. In a run each must grow by the number of such
    answers that clients got, plus at most one for each request that ended without an answer."""
    shows: list[Series] = Field(default=[])
    """Metrics that must always be shown, because alerts and graphs use them."""
    labels: dict[str, list[str]] = Field(default={})
    """All values that a label of this name may have, in all metrics. A value from outside, such as an error's text,
    would create a new series each time, which is never removed."""
    counts_from_zero: bool = Field(default=False, strict=True)
    """Each of those counters must be shown from the start, at 0. An alert on a missing counter never fires."""
    always_shown: bool = Field(default=False, strict=True)
    """The metrics must be shown even while a server is away. If `pool` names some, they are read while a fault is in
    force, and an answer of another status than 2xx fails the check `counts_are_true`: monitoring would be blind in the
    outage."""


class ProtectionDescription(Table):
    """One thing that the service does against faults."""

    about: str
    """A sentence for the reports."""
    off: Switch
    """Settings that switch it off."""
    variants: dict[Name, Switch] = Field(default={})
    """Settings that make it wrong instead of switching it off, for example too eager or too patient."""


class ProfileDescription(Table):
    """A named set of switches."""

    about: str
    """A sentence for the reports."""
    without: list[str] = Field(default=[])
    """Protections that are off in it."""
    environment: Environment = Field(default={})
    """Further settings, which are applied after the switches."""


class InterleavingsDescription(Table):
    """Optional: orders of two requests' statements. The gate tries all of them as one scenario."""

    mixes: tuple[Literal["copies", "deliveries", "read"], ...]
    """Two copies of a delivery, two deliveries, a delivery and a read."""
    proves: Name
    """The protection without which an order must fail."""
    fails: Literal["acknowledged_is_stored", "stored_once", "nothing_foreign", "same_answer_again"]
    """The check that must fail."""
    at_most: int = Field(default=100, ge=1)
    """How many orders of each mix are tried. If the service has more, the run is inconclusive."""


class ContractDescription(Table):
    """What the service owes beyond its deliveries. Each scenario sends these requests before and after its faults."""

    taken_id: OutcomeName | None = None
    """The answer to a delivery if another body has its id: `conflict`, or `already` if the service does not compare
    bodies. Without this key, no such request is sent."""
    repeat_is_same: bool = Field(default=False, strict=True)
    """A repeat must get exactly the first answer again. If `false`, it must only be acknowledged, or `already`."""
    wrong_asks_nobody: bool = Field(default=False, strict=True)
    """The service must reject a wrong request before it sends anything for it over a link: a stranger must not cost its
    servers anything."""
    keeps_connections: bool = Field(default=False, strict=True)
    """A client may use its connection again within two seconds after an answer, until it sends `Connection: close`;
    then the service closes it. The contract's requests then share a connection. If `false`, each has its own."""
    openapi: Text | None = None
    """A file in the service's directory: its OpenAPI document, in YAML or JSON. Every answer must be as its operation
    describes it. The document must allow what the service accepts, and must forbid what it rejects for its id or its
    path. Requests that have no operation there are not judged."""


class HealthDescription(Table):
    """Optional: what the service's own health answers depend on.

    The harness samples these answers during a whole run, and compares them with the outcomes of deliveries at that
    time.
    """

    ready_needs: list[Name] = Field(default=[])
    """The links without which the service can acknowledge nothing. It must not call itself ready while one of them is
    away and nothing is acknowledged."""
    alive_needs: list[Name] = Field(default=[])
    """The links without which it may call itself not alive. Usually there are none: a supervisor would restart it for
    nothing.
    """
    within_ms: Milliseconds | None = None
    """How long a health answer may take, even while a server is away: less than a second, after which the harness stops
    waiting. Without this key, only the answers that came are judged."""
    ready_again_ms: Milliseconds | None = None
    """How soon it must say that it is ready: in steady state, and when nothing is broken any more and it acknowledges
    again. Until then a load balancer sends it nothing. Without this key it is not judged: a service may check its
    servers from time to time only."""
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
    """The configuration of each server that the harness starts. The keys depend on its protocol."""
    sender: SenderDescription
    """What a delivery is."""
    outcomes: OutcomesDescription = OutcomesDescription()
    """What its answers mean."""
    reads: dict[Name, ReadDescription] = Field(default={})
    """Requests that ask what is stored, by name."""
    changes: dict[Name, UpdateDescription] = Field(default={})
    """Requests that change or remove what is stored, by name."""
    right: dict[Name, RightDescription] = Field(default={})
    """Unusual deliveries that must be acknowledged, by name."""
    wrong: dict[Name, WrongDescription] = Field(default={})
    """Requests that must be rejected, by name."""
    identities: dict[Name, IdentityDescription] = Field(default={})
    """Senders other than the first, by name."""
    starts: dict[Name, StartDescription] = Field(default={})
    """Starts that must fail, or succeed, by name."""
    contract: ContractDescription = ContractDescription()
    """What else it owes."""
    health: HealthDescription = HealthDescription()
    """What its own health answers depend on."""
    residue: dict[Label, Annotated[int, Field(ge=0)]] = Field(default={})
    """How much of each kind the service may leave behind at rest. Of Redis: `keys without expiry`, `keys without the
    prefix` and `keys of another lifetime` than `remembers_s`, which are not judged without a limit. A key in another
    database of a Redis that the run has for itself counts as one without the prefix. Of PostgreSQL: `prepared
    transactions` and `advisory locks`: without a limit, none may stay.

    Of its process, according to the kernel: how many more `threads` (32), `child processes` (8) and `files` (0) in its
    `folders` there may be than in steady state. `half-closed connections` (0): connections to its clients that one side
    has closed, and that it still holds. `bytes per request`: by how much its memory may grow. It is judged only with a
    limit, and in runs of 900 requests or more; from 300 on, growth counts that is more than any process needs to warm
    up. Take twice what a good run shows: a small Go service that keeps nothing grew by 3 kB per request until its heap
    was full. `deliveries remembered`: for how many in a hundred of a scenario's first deliveries the id may still be in
    its memory. It is judged only with a limit, after 400 requests. With either limit, the standard suite sends that
    many requests (`standard_many_requests`, 15 s) to a service that answers sixty per second. `ports open to others`:
    on how many ports other machines may reach it. `threads at once`: how many more than in steady state it may have
    when a request ends, for example while something is broken. Both are judged only with a limit."""
    secrets: SecretsDescription = SecretsDescription()
    """What it must never show."""
    log: LogDescription = LogDescription()
    """What its log must contain."""
    effects: dict[Name, EffectDescription] = Field(default={})
    """What else exists when a delivery is stored, by name."""
    stored: StoredDescription
    """How to list what it has stored."""
    limits: LimitsDescription
    """How long it may take, and how much it may use."""
    probes: ProbesDescription | None = None
    """Its own metrics."""
    alerts: AlertsDescription | None = None
    """The alert rules of production."""
    interleavings: InterleavingsDescription | None = None
    """Whether all orders of two requests' statements are tried."""
    protections: dict[Name, ProtectionDescription] = Field(default={})
    """What it does against faults, and how to switch each off. A scenario proves a protection by its name."""
    profiles: dict[Name, ProfileDescription] = Field(default={"hardened": ProfileDescription(about="As it is.")})
    """The ways in which it can be run, by name."""
    default_profile: str = "hardened"
    """The profile of a run that names none."""

    @property
    def versioned(self) -> Collection[str]:
        """The changes that name the version that they are about."""
        word = f"{{{VERSION}}}"
        return [name for name, each in self.changes.items() if any(word in text for text in each.texts)]

    @property
    def naming(self) -> Naming:
        """How requests name a delivery: by the UUID or the number that stands for its id, or by the id."""
        http = self.sender.http
        sent = () if http is None else (http.path, http.body or "", *http.headers.values())
        described: list[ReadDescription | UpdateDescription] = [*self.reads.values(), *self.changes.values()]
        read = [text for each in described for text in (each.path, *each.headers.values())]
        texts = (*sent, *read)
        used = (each for each in (Naming.UUID, Naming.NUMBER) if any(f"{{{each}}}" in text for text in texts))
        return next(used, Naming.ID)

    def links_beside(self, link: str) -> tuple[str, ...]:
        """The links that lead to the same server as this one, itself included."""
        server = self.links[link].server_name
        return tuple(name for name, each in self.links.items() if each.server_name == server)

    def effect_within_ms(self, effect: EffectDescription) -> float:
        """How long after its delivery was stored this effect may still not exist."""
        return self.stored.within_ms if effect.within_ms is None else effect.within_ms

    @property
    def later_ms(self) -> float:
        """How long after the acknowledgement a worker of the service may still work on a delivery."""
        return self.stored.within_ms + max(map(self.effect_within_ms, self.effects.values()), default=0.0)
