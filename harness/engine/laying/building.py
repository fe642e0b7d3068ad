"""Builds the rig of one run: a service behind its links, and the clients and observers that drive it."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.engine.alerting import Alerting
from harness.engine.configuration import RunConfiguration
from harness.engine.known_secrets import KnownSecrets, known_secrets
from harness.engine.laying.links import LANE, SCENARIO, Laying, laid_links
from harness.engine.laying.names import name_server
from harness.engine.laying.preparing import Preparing
from harness.engine.laying.testbed import Testbed
from harness.engine.laying.trying_starts import StartTrials
from harness.engine.observing.servers.sessions import Sessions
from harness.engine.observing.service.looks import SharedLooks
from harness.engine.observing.service.waits import waiting_for
from harness.engine.rig import Rig
from harness.engine.workload.clients import Clients
from harness.engine.workload.deliveries import Deliveries, of_every_size, of_one_size
from harness.errors import HarnessError
from harness.faults.site import LaidLink, Site
from harness.history import Recorder
from harness.history.events import ServiceEnded
from harness.processes.syscalls import Rule
from harness.relay import RelayControl
from harness.results import RunKey
from harness.stack.http.client import HttpClient
from harness.stack.service.service import EndOfService, ServiceProcess
from harness.stack.service.start import ServiceSpec
from harness.stack.tcp.ports import free_port
from harness.target.placeholders import SERVICE_PORT

HOST = "127.0.0.1"
"""Every link's port."""
PATIENCE_BEYOND_DEADLINE_S = 0.5
PATIENCE_WITHOUT_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a rig is built. A scenario may do anything; a sweep does one thing fast.

    `watch_connects`: the kernel reports the service's connects, so that they can be answered and counted. `keep_alive`:
    the clients reuse their connections. `one_size`: every delivery has the same size. `look_into_waits`: find out what
    the service waits for while a request stays open.
    """

    laying: Laying = SCENARIO
    watch_connects: bool = True
    keep_alive: bool = False
    one_size: bool = False
    look_into_waits: bool = True


FOR_SCENARIO = Build()
FOR_SWEEP = Build(laying=LANE, watch_connects=False, keep_alive=True, one_size=True, look_into_waits=False)


@asynccontextmanager
async def built_rig(
    bed: Testbed, relay: RelayControl, key: RunKey, configuration: RunConfiguration, recorder: Recorder,
    *, number: int, service_ended: Callable[[ServiceEnded], None], build: Build = FOR_SCENARIO,
) -> AsyncIterator[Rig]:  # fmt: skip
    """Lay the links and build the service without starting it. Both end with the block.

    `number` (from `bed.numbers`) distinguishes this service from others on the same servers. `service_ended` is called
    when its process has ended.
    """

    def ended(end: EndOfService) -> None:
        service_ended(ServiceEnded(end.pid, end.status, end.asked_by, end.after_ms))

    async with AsyncExitStack() as owned:
        watched = build.watch_connects and bed.lacking("seccomp") is None
        described = bed.target.description.links if watched else {}
        resolver = await owned.enter_async_context(name_server(described, HOST))
        laying = dataclasses.replace(build.laying, by_name=resolver is not None)
        links = await owned.enter_async_context(laid_links(bed, relay, number, laying))
        words = {f"{name}.{word}": value for name, laid in links.items() for word, value in laid.words.items()}
        spec = service_spec(bed, key, configuration, words, watch_connects=watched)
        if resolver is not None:
            spec = with_rules(spec, resolver.rules())
        service = ServiceProcess(bed.stack.keeper, spec, ended)
        owned.push_async_callback(service.end)
        site = Site(
            service=service, links=dict(links), servers=dict(bed.stack.servers),
            relay=relay, relay_pid=bed.stack.relay.process.pid,
            toxiproxy=bed.stack.toxiproxy, witness=_nobody, allow_hosts=bed.allow_hosts,
            server_changes=bed.server_changes, patience_s=_patience_s(bed, configuration),
            leaked=functools.partial(recorder.record, "server"), resolver=resolver,
            failed_over=lambda event, t_ns: recorder.record("server", event, t_ns=t_ns),
        )  # fmt: skip
        sessions = await owned.enter_async_context(Sessions(site))
        http = await owned.enter_async_context(HttpClient(keep_alive=build.keep_alive))
        looks = SharedLooks(functools.partial(waiting_for, site, sessions)) if build.look_into_waits else None
        if looks is not None:
            owned.push_async_callback(looks.close)
        clients = Clients(
            target=bed.target, service=service, http=http, recorder=recorder, looks=looks,
            deliveries=_deliveries(bed, key, configuration, build), patience_s=_patience_s(bed, configuration),
            callers=site.callers, secrets=_secrets(bed, spec, links),
        )  # fmt: skip
        preparing = Preparing(bed, links, recorder, spec.log)
        if bed.prepares_own:
            await preparing.at_first()
        yield Rig(
            target=bed.target, site=site, sessions=sessions, clients=clients, recorder=recorder, preparing=preparing,
            starts=StartTrials(bed, words, recorder, spec.log, clients.secrets),
            alerting=Alerting(bed, recorder, spec.log),
        )  # fmt: skip


def _secrets(bed: Testbed, spec: ServiceSpec, links: Mapping[str, LaidLink]) -> KnownSecrets:
    passwords = {name: laid.words["password"] for name, laid in links.items() if "password" in laid.words}
    return known_secrets(bed.target.description.secrets, spec.environment, passwords)


def _deliveries(bed: Testbed, key: RunKey, configuration: RunConfiguration, build: Build) -> Deliveries:
    """Make the deliveries, which follow from seed and id alone."""
    seed = f"{configuration.seed}/{key.id}"
    return of_one_size(seed) if build.one_size else of_every_size(seed, bed.target.description.limits.body_bytes)


def _patience_s(bed: Testbed, configuration: RunConfiguration) -> float:
    deadline_ms = bed.target.description.limits.request_deadline_ms
    own_s = PATIENCE_WITHOUT_DEADLINE_S if deadline_ms is None else deadline_ms / 1e3 + PATIENCE_BEYOND_DEADLINE_S
    return configuration.patience_s or own_s


def service_spec(
    bed: Testbed, key: RunKey, configuration: RunConfiguration, words: Mapping[str, str], *, watch_connects: bool
) -> ServiceSpec:
    """Describe how to start the target's service on links that were laid. Its log is a new file."""
    target = bed.target
    described = target.description.service
    logs = configuration.folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log, settings = _fresh(logs / f"{key}.log"), target.settings(key.profile, key.without)

    def at_a_port() -> ServiceSpec:
        port = free_port()
        known = {**words, SERVICE_PORT: str(port)}
        environment = bed.environment(known, settings)
        return dataclasses.replace(spec, argv=target.command(known), environment=environment, port=port)

    spec = ServiceSpec(
        argv=target.command(words),
        preloaded=bed.preloaded,
        environment=bed.environment(words, settings),
        cwd=target.directory,
        log=log,
        listening=None if described.listening is None else re.compile(described.listening),
        alive=described.alive,
        start_within_s=described.start_within_s,
        stop_within_s=described.stop_within_s,
        watch_connects=watch_connects,
        elsewhere=at_a_port if described.is_given_a_port else None,
    )
    return at_a_port() if described.is_given_a_port else spec


def with_rules(spec: ServiceSpec, rules: tuple[Rule, ...]) -> ServiceSpec:
    """Return the same start, and starts of processes beside it, with these rules from the first connect on."""
    elsewhere = spec.elsewhere
    beside = None if elsewhere is None else lambda: with_rules(elsewhere(), rules)
    return dataclasses.replace(spec, rules=rules, elsewhere=beside)


def _nobody(what: str, source: str, detail: str, **more: object) -> None:  # noqa: ARG001  # a Witness
    raise HarnessError(f"evidence {what} ({source}: {detail}) belongs to no fault")


def _fresh(path: Path) -> Path:
    path.write_bytes(b"")
    return path


__all__ = ["FOR_SCENARIO", "FOR_SWEEP", "Build", "built_rig"]
