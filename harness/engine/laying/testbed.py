"""Everything that many runs share: the keeper, the servers, and prepared templates that each run copies."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from harness.capability import PGBOUNCER, PROMETHEUS, Capability
from harness.engine.laying.given_servers import check_calls_are_told
from harness.engine.laying.tls import Reached, laid_for_prepare
from harness.errors import HarnessError, UsageError
from harness.faults.fault import CAPABILITIES, CLOCK, RAW_SOCKET, SOCKET_FILTER, Need, is_server, own
from harness.faults.site import ServerChange
from harness.processes.clock import clock_settable
from harness.processes.icmp import raw_available
from harness.processes.keeper import Keeper, KeptProcess, PreloadedPython, PreloadSpec, ProcessSpec, descendants
from harness.processes.socket_filter import filters_available
from harness.processes.syscalls import notification_available
from harness.protocols.contract.storage import STORAGE, Storage
from harness.stack import Server, Stack, StackConfiguration
from harness.stack.folders import private_folder
from harness.stack.on_path import POOLER
from harness.stack.prometheus import prometheus_available
from harness.target import Target, fill_in

ResultT = TypeVar("ResultT")
_TRIED_ON_DEMAND: Mapping[Need, Callable[[], Capability]] = {
    CLOCK: clock_settable,
    PROMETHEUS: prometheus_available,
    PGBOUNCER: POOLER.available,
    SOCKET_FILTER: filters_available,
    RAW_SOCKET: raw_available,
}
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH")
"""The service gets only these variables of the harness's own environment, so it never sees the shell's DATABASE_URL."""


class TemplateError(HarnessError):
    """The target's `prepare` did not fill an empty database. `said`: its whole output.

    `status`: None if the harness had to end it because its time was over.
    """

    status: int | None = 0
    said = ""


@dataclass(slots=True, kw_only=True)
class Testbed:
    """Running servers, and everything needed to lay a service's links to them."""

    __test__ = False  # pytest: the name is the field's term, not a test class

    target: Target
    stack: Stack
    folder: Path
    logs: Path
    has_template: bool
    lacks: Mapping[Need, str]
    preloaded: PreloadedPython | None = None
    """Forks the service, if the target says what to preload."""
    allow_hosts: frozenset[str] = frozenset()
    """Hosts other than this machine that the harness may act on."""
    cheap_login: bool = True
    """Whether a sweep may make logging in cheap. A driver may refuse that."""
    prepares_own: bool = False
    """Each service's database is not copied: the command in the service's own directory prepares it."""
    harness: int | None = None
    """The process to which all lanes belong, if this one is a lane."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    server_changes: list[ServerChange] = field(default_factory=list)
    """Changes that scenarios made to the servers beyond their service's own part."""
    beside: set[int] = field(default_factory=set)
    """Process ids of processes that a run starts beside its service and waits for: a `prepare`, a start that it
    tries."""

    @property
    def changed(self) -> bool:
        """Whether a server is unusable for a run, and no heal will surely repair it.

        Then the next run needs new servers.
        """
        return not all(change.mended for change in self.server_changes)

    def lacking(self, need: Need) -> str | None:
        """Return why this machine or this stack cannot provide what a fault needs; None if it can.

        Raises UsageError for a server that the target does not have.
        """
        if is_server(need) and need not in map(own, self.stack.all_servers):
            valid = [*CAPABILITIES, *map(own, self.stack.all_servers)]
            raise UsageError.at("needs", "name", need, "the target has no such server", valid=valid)
        if need in _TRIED_ON_DEMAND:  # most runs never need it
            found = _TRIED_ON_DEMAND[need]()
            return None if found.available else f"{found.detail}; {found.mend}"
        return self.lacks.get(need)

    def with_service_in(self, directory: Path, *, prepares_own: bool) -> Testbed:
        """Return a testbed with the same servers, and the same service in another directory.

        That service is spawned, not forked: a forked one would import from the directory of the fork's parent.
        `prepares_own`: its own `prepare` prepares its database, which is not a copy of the original's.
        """
        own = prepares_own and bool(self.target.description.service.prepare)
        return dataclasses.replace(self, target=self.target.moved_to(directory), preloaded=None, prepares_own=own)

    def environment(self, words: Mapping[str, str], settings: Mapping[str, str]) -> Mapping[str, str]:
        """The complete environment of a service whose links are laid."""
        filled = {key: fill_in(text, words) for key, text in self.target.description.service.environment.items()}
        return {**passed_on(), **filled, **self.target.sender.settings(), **settings}


def passed_on() -> dict[str, str]:
    """Return the variables of the harness's own environment that a service gets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


@dataclass(frozen=True, slots=True)
class Ground:
    """The parts of a testbed that the next one can use, too: the keeper, and the Python that forks the service."""

    keeper: Keeper
    preloaded: PreloadedPython | None

    @property
    def bare(self) -> bool:
        """Whether a new testbed can start cleanly: the keeper answers, and no process is left."""
        kept = set() if self.preloaded is None else {self.preloaded.process.pid}
        return self.keeper.alive and {process.pid for process in descendants(self.keeper.pid)} <= kept


@contextmanager
def open_ground(target: Target, *, logs: Path) -> Iterator[Ground]:
    """Start the keeper, and begin to load the service's libraries. The block's end ends all processes."""
    logs.mkdir(parents=True, exist_ok=True)
    with Keeper.start() as keeper:
        yield Ground(keeper, _preload(target, keeper, logs))


@contextmanager
def open_testbed(
    target: Target, configuration: StackConfiguration, *, logs: Path, progress: Callable[[str], None] | None = None,
    ground: Ground | None = None,
) -> Iterator[Testbed]:  # fmt: skip
    """Start the servers and prepare the template. The block's end stops everything except a given `ground`.

    Raises UsageError for a bad configuration and HarnessError for a server that does not start.
    """
    check_calls_are_told(target, configuration)
    with private_folder() as folder, ExitStack() as owned:
        on = ground or owned.enter_context(open_ground(target, logs=logs))  # it imports while the servers start
        start = Stack.start(target.servers, configuration, folder, keeper=on.keeper, logs=logs, progress=progress)
        with start as stack:
            bed = Testbed(
                target=target, stack=stack, folder=folder, logs=logs, has_template=False, lacks=_lacks(stack),
                allow_hosts=configuration.allow_hosts, preloaded=on.preloaded,
            )  # fmt: skip
            bed.has_template = _prepare(bed)
            yield bed


def _preload(target: Target, keeper: Keeper, logs: Path) -> PreloadedPython | None:
    service = target.description.service
    if not service.preload and not service.preload_own:
        return None
    constant = {name: text for name, text in service.environment.items() if "{" not in text}
    return keeper.preload(
        PreloadSpec(
            program=target.program,
            modules=tuple(service.preload),
            own=tuple(service.preload_own),
            env=passed_on() | constant,
            cwd=target.directory,
            log=logs / "preloaded.log",
        )
    )


def _lacks(stack: Stack) -> Mapping[Need, str]:
    lacks: dict[Need, str] = {}
    seccomp = notification_available()
    if not seccomp.available:
        lacks["seccomp"] = f"{seccomp.detail}; {seccomp.mend}"
    given_by_url = "the server was given by URL: the harness must not break it"
    return lacks | {own(name): given_by_url for name, server in stack.all_servers.items() if server.process is None}


def prepare_again(bed: Testbed) -> None:
    """Prepare new templates, because the service may have changed since. Raises HarnessError."""
    asyncio.run(_on_all(bed, lambda storage, server: storage.drop_template(server)))
    bed.has_template = False
    bed.has_template = _prepare(bed)


def _prepare(bed: Testbed) -> bool:
    """Run the target's `prepare` command on one template for each server.

    Return whether the target has such a command.
    """
    if not bed.target.description.service.prepare:
        return False
    templates = asyncio.run(_on_all(bed, lambda storage, server: storage.make_template(server)))
    links = bed.target.description.links
    to = {
        name: Reached(templates[link.server_name], bed.stack.servers[link.server_name].address)
        for name, link in links.items()
    }
    with laid_for_prepare(bed.stack.relay, bed.folder, links, to) as laid:
        words = {f"{name}.{word}": value for name, of_link in laid.items() for word, value in of_link.items()}
        process = (bed.preloaded or bed.stack.keeper).spawn(
            ProcessSpec(
                name="prepare",
                argv=bed.target.prepare(words),
                env=bed.environment(words, {}),
                cwd=bed.target.directory,
                log=bed.logs / "prepare.log",
            )
        )
        status = _ended(process, bed.target.description.service.prepare_within_s)
    if status != 0:
        raise _unprepared(bed.target, status, process)
    asyncio.run(_on_all(bed, lambda storage, server: storage.keep_template(server)))
    return True


def _ended(process: KeptProcess, within_s: float) -> int | None:
    """Wait for the end of `prepare`; end it when its time is over, and return None."""
    try:
        return process.wait(within_s)
    except TimeoutError:
        process.stop(grace_s=0)
        return None


def _unprepared(target: Target, status: int | None, process: KeptProcess) -> TemplateError:
    service = target.description.service
    became = f"ended with status {status}" if status is not None else service.still_prepares
    problem = TemplateError(
        f"{target.path}: [service] prepare = {' '.join(service.prepare)!r}: {became}:\n{process.log.tail()}",
        hint="run it by hand on an empty database" if status is not None else service.more_time,
    )
    problem.status, problem.said = status, process.log.read()
    return problem


async def _on_all(bed: Testbed, ask: Callable[[Storage[Any], Server], Awaitable[ResultT]]) -> Mapping[str, ResultT]:
    """Ask every server's storage at the same time. Return the answers by server name."""
    wanted = bed.target.servers
    answers = await asyncio.gather(*(ask(STORAGE.of(each.protocol), bed.stack.servers[each.name]) for each in wanted))
    return dict(zip((each.name for each in wanted), answers, strict=True))
