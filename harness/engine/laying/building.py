"""Builds what one run acts on: the service, behind links of its own, and its clients."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from harness.engine.configuration import RunConfiguration
from harness.engine.laying.links import laid_links
from harness.engine.laying.testbed import Testbed
from harness.engine.observing.sessions import Sessions
from harness.engine.observing.waits import waiting_for
from harness.engine.workload import Clients
from harness.errors import HarnessError
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import ServiceEnded
from harness.processes.keeper import KeptProcess
from harness.results import RunKey
from harness.stack.service import ServiceProcess, ServiceSpec

PATIENCE_BEYOND_DEADLINE_S = 0.5


@asynccontextmanager
async def built_site(
    bed: Testbed, key: RunKey, configuration: RunConfiguration, recorder: Recorder
) -> AsyncIterator[Site]:
    """Lay the links and make the service, which is not started yet; its end ends both."""

    def ended(process: KeptProcess, status: int, asked_by: str) -> None:
        recorder.record("service", ServiceEnded(process.pid, status, asked_by))

    async with bed.stack.relay.control() as relay, laid_links(bed, relay, next(bed.numbers)) as links:
        words = {f"{name}.{word}": value for name, laid in links.items() for word, value in laid.words.items()}
        service = ServiceProcess(bed.stack.keeper, service_spec(bed, key, configuration.folder, words), ended)
        try:
            yield Site(
                service=service, links=links, relay=relay, relay_pid=bed.stack.relay.process.pid,
                toxiproxy=bed.stack.toxiproxy, witness=_nobody, allow_hosts=bed.allow_hosts,
                server_changes=bed.server_changes,
            )  # fmt: skip
        finally:
            await service.end()


def service_spec(bed: Testbed, key: RunKey, folder: Path, words: Mapping[str, str]) -> ServiceSpec:
    """Say how the target's service is started on links that were laid; its log is a new file."""
    target = bed.target
    described = target.description.service
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return ServiceSpec(
        argv=target.command(words),
        preloaded=bed.preloaded,
        environment=bed.environment(words, target.settings(key.profile, key.without)),
        cwd=target.directory,
        log=_fresh(logs / f"{key}.log"),
        listening=re.compile(described.listening),
        alive=described.alive,
        start_within_s=described.start_within_s,
        stop_within_s=described.stop_within_s,
        watch_connects=bed.lacking("seccomp") is None,
    )


def clients(
    bed: Testbed, key: RunKey, configuration: RunConfiguration, site: Site, sessions: Sessions, recorder: Recorder
) -> Clients:
    """Make the clients: their deliveries follow from seed and id alone."""
    deadline_s = bed.target.description.limits.request_deadline_ms / 1e3
    return Clients(
        bed.target,
        site.service,
        recorder,
        seed=f"{configuration.seed}/{key.id}",
        patience_s=configuration.patience_s or deadline_s + PATIENCE_BEYOND_DEADLINE_S,
        waiting_for=functools.partial(waiting_for, site, sessions),
    )


def _nobody(what: str, source: str, detail: str, **more: object) -> None:  # noqa: ARG001  # a Witness
    raise HarnessError(f"evidence {what} ({source}: {detail}) belongs to no fault")


def _fresh(path: Path) -> Path:
    path.write_bytes(b"")
    return path


__all__ = ["built_site", "clients", "service_spec"]
