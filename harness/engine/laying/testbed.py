"""What many runs share: the keeper, the servers, and a database that is ready to be copied."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from harness.engine.laying.tls import laid_for_prepare
from harness.errors import HarnessError
from harness.faults.fault import Need
from harness.processes.keeper import Keeper, PreloadedPython, PreloadSpec, ProcessSpec
from harness.processes.syscalls import notification_available
from harness.stack import Stack, StackConfiguration
from harness.stack.databases import create_database, create_role, drop_database, drop_role
from harness.stack.folders import private_folder
from harness.target import Target, fill_in

PREPARE_WITHIN_S = 60.0
REDIS_DATABASES = 16
"""As many as an unconfigured Redis has."""
TEMPLATE = "harness_template"
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH")
"""Of the harness's own environment the service gets these only: a DATABASE_URL of the shell stays out."""


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
    """Forks the service, where the target says what to load for it."""
    allow_hosts: frozenset[str] = frozenset()
    """Hosts beyond this machine that may be touched."""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    server_changes: list[str] = field(default_factory=list)
    """What a scenario had the servers do that no heal is sure to undo. The next run needs other servers."""

    def lacking(self, need: Need) -> str | None:
        """Why this machine or this stack does not have what a fault needs; None when it has."""
        return self.lacks.get(need)

    def with_service_in(self, directory: Path) -> Testbed:
        """The same servers, for the same service in another directory.

        It is spawned: what is forked imports from where the fork's parent does.
        """
        return dataclasses.replace(self, target=self.target.moved_to(directory), preloaded=None)

    def environment(self, words: Mapping[str, str], settings: Mapping[str, str]) -> Mapping[str, str]:
        """The complete environment of a service whose links are laid."""
        filled = {key: fill_in(text, words) for key, text in self.target.description.service.environment.items()}
        return {**passed_on(), **filled, **self.target.sender.settings(), **settings}


def passed_on() -> dict[str, str]:
    """What of the harness's own environment a service gets."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


@contextmanager
def open_testbed(
    target: Target, configuration: StackConfiguration, *, logs: Path, progress: Callable[[str], None] | None = None
) -> Iterator[Testbed]:
    """Bring the servers up, prepare the template, and take all down at the end.

    Raises UsageError for a bad configuration and HarnessError for a server that does not start.
    """
    with private_folder() as folder, Keeper.start() as keeper:
        logs.mkdir(parents=True, exist_ok=True)
        preloaded = _preload(target, keeper, logs)  # it imports while the servers start
        with Stack.start(configuration, folder, keeper=keeper, logs=logs, progress=progress) as stack:
            bed = Testbed(
                target=target, stack=stack, folder=folder, logs=logs, has_template=False, lacks=_lacks(stack),
                allow_hosts=configuration.allow_hosts, preloaded=preloaded,
            )  # fmt: skip
            bed.has_template = _prepare(bed)
            yield bed


def _preload(target: Target, keeper: Keeper, logs: Path) -> PreloadedPython | None:
    service = target.description.service
    if not service.preload:
        return None
    constant = {name: text for name, text in service.environment.items() if "{" not in text}
    return keeper.preload(
        PreloadSpec(
            program=target.program,
            modules=tuple(service.preload),
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
    given_by_url = "the server was given by URL: it is not the harness's to break"
    owners: tuple[tuple[Need, object], ...] = (
        ("own_postgres", stack.postgres.process),
        ("own_redis", stack.redis.process),
        ("own_toxiproxy", stack.toxiproxy.process),
    )
    return lacks | {need: given_by_url for need, process in owners if process is None}


def prepare_again(bed: Testbed) -> None:
    """Prepare a new template, by a service that may have changed since. Raises HarnessError."""
    asyncio.run(_drop_template(bed.stack.postgres.url()))
    bed.has_template = False
    bed.has_template = _prepare(bed)


def _prepare(bed: Testbed) -> bool:
    """Run the target's `prepare` command on an empty database; whether there is one."""
    if not bed.target.description.service.prepare:
        return False
    password = secrets.token_hex(16)
    asyncio.run(_create_template(bed.stack.postgres.url(), password))
    links = bed.target.description.links
    direct = {name: _direct_words(bed, link.protocol, password) for name, link in links.items()}
    with laid_for_prepare(bed.stack.relay, bed.folder, links, direct) as laid:
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
        status = process.wait(PREPARE_WITHIN_S)
    if status != 0:
        raise HarnessError(
            f"{bed.target.path}: [service] prepare ended with status {status}:\n{process.log.tail()}",
            hint="run it by hand on an empty database",
        )
    asyncio.run(_take_over_template(bed.stack.postgres.url()))
    return True


async def _take_over_template(admin_url: str) -> None:
    # Reassigning what a role owns reassigns its databases too, and this one is everybody's.
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute(f'ALTER DATABASE "{TEMPLATE}" OWNER TO CURRENT_USER')
    finally:
        await admin.close()


async def _drop_template(admin_url: str) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        await drop_database(admin, TEMPLATE)
        await drop_role(admin, TEMPLATE)
    finally:
        await admin.close()


async def _create_template(admin_url: str, password: str) -> None:
    admin = await asyncpg.connect(admin_url)
    try:
        await create_role(admin, TEMPLATE, password=password)
        await create_database(admin, TEMPLATE, owner=TEMPLATE)
    finally:
        await admin.close()


def _direct_words(bed: Testbed, protocol: str, password: str) -> Mapping[str, str]:
    if protocol == "redis":
        redis = bed.stack.redis
        return {"url": redis.url(), "host": redis.host, "port": str(redis.port), "database": "0", "prefix": "prepare:"}
    postgres = bed.stack.postgres
    return {
        "url": postgres.url(database=TEMPLATE, user=TEMPLATE, password=password),
        "host": postgres.host,
        "port": str(postgres.port),
        "user": TEMPLATE,
        "password": password,
        "database": TEMPLATE,
    }
