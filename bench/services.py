"""Services to measure: real ones, on real servers, several at the same time.

Each has its own database and Redis database, and connects to the servers directly, because Toxiproxy would use part of
the two cores. Its system calls are not watched.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms import Progress, Sample
from bench.cpu import cpu_s
from bench.load import Load, encoded, send
from harness.engine.laying.links import laid_links
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.errors import HarnessError
from harness.faults.site import LaidLink
from harness.polling import poll
from harness.processes.keeper import KeptProcess, ProcessSpec
from harness.stack import StackConfiguration
from harness.target import Target, load_target

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "scenarios" / "target.toml"
START_WITHIN_S = 30.0
LOOK_EVERY_S = 0.002
WARM_UP = 2
"""Loads that are sent before the counting starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A service to start: a profile of the target, or with `bare` one of the services in `bare.py`."""

    name: str
    profile: str = "hardened"
    without: tuple[str, ...] = ()
    bare: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables; they override the profile's."""
    redis: bool = True
    """False: its Redis refuses every connection."""
    control: bool = False
    """It is the first one again."""


@contextmanager
def measuring(progress: Progress, *, fsync: bool = True) -> Iterator[Workshop]:
    """Start servers that keep acknowledged data on disk, and stop everything at the end."""
    target = load_target(TARGET)
    described = target.description.model_copy(update={"servers": {"postgres": {"fsync": fsync}}})
    target = dataclasses.replace(target, description=described)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        logs = Path(folder)
        opened = open_testbed(target, StackConfiguration(), logs=logs, progress=progress)
        with opened as bed, asyncio.Runner() as runner:
            workshop = Workshop(bed, logs, runner)
            try:
                yield workshop
            finally:
                workshop.close()


class Workshop:
    """Starts services and drives load at them, one at a time."""

    def __init__(self, bed: Testbed, logs: Path, runner: asyncio.Runner) -> None:
        self.bed = bed
        self.logs = logs
        self.runner = runner
        self._owned = AsyncExitStack()
        self._relay = runner.run(self._owned.enter_async_context(bed.stack.relay.control()))
        self._numbers = itertools.count(1)

    @property
    def target(self) -> Target:
        """The service's description."""
        return self.bed.target

    def close(self) -> None:
        """End every service and drop its databases."""
        self.runner.run(self._owned.aclose())

    def lay(self, wanted: Wanted) -> ProcessSpec:
        """Make the databases of a service, and return how to start it."""
        links = self.runner.run(
            self._owned.enter_async_context(laid_links(self.bed, self._relay, next(self.bed.numbers)))
        )
        words = {f"{name}.{word}": value for name, laid in links.items() for word, value in _direct(laid).items()}
        settings = {**self.target.settings(wanted.profile, wanted.without), **wanted.settings}
        if not wanted.redis:
            settings["REDIS_URL"] = "redis://127.0.0.1:1"  # tcpmux: nobody listens there
        command = self.target.command(words)
        if wanted.bare is not None:
            command = (sys.executable, "-m", "bench.bare")
            settings = {"BARE_RUNG": wanted.bare}
        return ProcessSpec(
            name="service",
            argv=command,
            env=dict(self.bed.environment(words, settings)),
            cwd=self.target.directory,
            log=self.new_log(),
        )

    def new_log(self) -> Path:
        """Return the path of a new log."""
        return self.logs / f"{next(self._numbers)}.log"

    def spawn(self, spec: ProcessSpec) -> tuple[KeptProcess, int]:
        """Start a service; return it and its port when it listens. Raises HarnessError."""
        process = self.bed.stack.keeper.spawn(spec)
        port = self.runner.run(_listening(process, re.compile(logged_port(self.target))))
        return process, port

    def started(self, wanted: Wanted, load: Load) -> Service:
        """Start a service that lives until the end, and warm it up."""
        process, port = self.spawn(self.lay(wanted))
        self._owned.push_async_callback(asyncio.to_thread, process.stop)
        service = Service(self, wanted.name, process, port, control=wanted.control)
        for _ in range(WARM_UP):
            service.measure(load)
        return service


@dataclass(slots=True)
class Service:
    """A running service."""

    workshop: Workshop
    name: str
    process: KeptProcess
    port: int
    control: bool = False
    loads: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def measure(self, load: Load) -> Sample:
        """Drive a load; return `cpu_us` (the process's CPU time per request), `requests_per_s` and `p99_ms`."""
        requests = encoded(self.workshop.target.sender, load, prefix=f"load{next(self.loads)}")
        before_s = cpu_s(self.process.pid)
        answered = send(self.workshop.runner, self.port, requests, concurrency=load.concurrency)
        used_s = cpu_s(self.process.pid) - before_s
        return {
            "cpu_us": used_s / load.requests * 1e6,
            "requests_per_s": load.requests / answered.took_s,
            "p99_ms": answered.p99_ms,
        }


def logged_port(target: Target) -> str:
    """The expression that finds the port in the service's log. Raises HarnessError for a target without one."""
    expression = target.description.service.listening
    if expression is None:
        raise HarnessError("a benchmark needs a service that logs its port", hint="give [service] listening")
    return expression


async def _listening(process: KeptProcess, expression: re.Pattern[str]) -> int:
    def look() -> int | None:
        # The process first: what it wrote before its end is then in the log.
        status = process.poll()
        found = expression.search(process.log.read())
        if found is None and status is not None:
            raise HarnessError(f"a service ended with status {status}:\n{process.log.tail()}")
        return int(found["port"]) if found else None

    port = await poll(look, within_s=START_WITHIN_S, interval_s=LOOK_EVERY_S)
    if port is None:
        raise HarnessError(f"a service did not listen within {START_WITHIN_S:g} s:\n{process.log.tail()}")
    return port


def _direct(laid: LaidLink) -> Mapping[str, str]:
    """The link's words with the server's own address instead of the proxy's."""
    return laid.own.words(laid.upstream, tls=False)
