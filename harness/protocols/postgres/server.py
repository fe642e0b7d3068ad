"""A PostgreSQL server: one that the harness starts, or the user's by URL."""

from __future__ import annotations

import itertools
import os
import secrets
import signal
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper, ProcessSpec
from harness.processes.syscalls import FileCall, FileRule, SyscallEvent
from harness.protocols.contract.server import ServerKind
from harness.protocols.postgres.about import ABOUT
from harness.protocols.postgres.options import PostgresOptions, as_conf, settings_for
from harness.protocols.postgres.running.binaries import PostgresBinaries, check_postgres_version, find_postgres
from harness.protocols.postgres.running.fresh_data import fresh_data
from harness.stack.blocking import run_blocking
from harness.stack.servers.deaths import describe_exit
from harness.stack.servers.process import ServerProcess, not_owned
from harness.stack.servers.readiness import NotReadyError
from harness.stack.servers.server import Launch, Server
from harness.stack.servers.tree import kill_tree
from harness.stack.servers.urls import PLACE, answer_at, redacted
from harness.stack.small_disk import SmallDisk

__all__ = ["SERVER", "PostgresServer"]

SUPERUSER = "postgres"
SYNC_CALLS: Final[tuple[FileCall, ...]] = ("fsync", "fdatasync")
"""The calls that are watched on every server, for the faults that answer them. With `fsync = off` it makes no such
call."""
WRITE_CALLS: Final[tuple[FileCall, ...]] = ("pwrite", "pwritev", "fallocate")
"""The calls by which it writes its log and its pages. Each COMMIT makes one, so they are watched only if a fault needs
it."""

_MADE_WITHIN_S = 60.0
_CONNECT_DEADLINE_S = 5.0
_SCHEMES = ("postgresql", "postgres")
_BUILTIN_LOCALE_SINCE = 17
_ROUNDS_SINCE = 16
"""From this version on the number of a password's rounds of SHA-256 can be chosen."""
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


class PostgresServer(Server):
    """A PostgreSQL server. Made by `start` or `at_url`; committed rows survive `crash()` and `restart()`."""

    protocol = "postgres"
    default_port = ABOUT.port
    _origin: _Origin | None = None
    """None: the server was given by URL."""

    @classmethod
    def find(cls, wanted: str) -> PostgresBinaries:
        """Find and check the programs. See `ServerKind.find`."""
        return find_postgres(wanted)

    @classmethod
    def start(
        cls, launch: Launch, program: PostgresBinaries | None = None, options: PostgresOptions | None = None
    ) -> PostgresServer:
        """Make a data directory in the launch's folder and start a server on it.

        It requires a random password: with `trust`, every user of this machine could run programs as this one. Returns
        when the server answers a query. Raises HarnessError with the log's tail if it does not start.
        """
        name = launch.name or cls.protocol
        recipe = _Recipe(
            name=name,
            binaries=program or find_postgres("embedded"),
            data=launch.folder / "data",
            log=launch.log(name),
            password=secrets.token_urlsafe(16),
        )
        born = replace(recipe, password=_make_data_directory(launch.keeper, recipe, options or PostgresOptions()))
        run = launch.started(born)
        run_blocking(_take_password(born.url(run.port), recipe))
        run.goes_on_as(recipe)
        server = cls(recipe.url(run.port), recipe.binaries.version, run=run, name=name)
        server._origin = _Origin(launch, recipe)
        return server

    def copied(self) -> Copy:
        """Copy the running server into a standby that streams from it. Raises HarnessError if it cannot."""
        launch, recipe = self._made.launch, self._made.recipe
        made = replace(recipe, data=_first_free(recipe.data.parent, "standby"), log=launch.log(f"{self.name}-standby"))
        _copy_data(launch.keeper, recipe, made, self.port)
        return Copy(_Origin(launch, made), launch.started(made))

    def rewind(self, former: Copy) -> None:
        """Rewind a stopped old primary, and start it. From then on it follows this server.

        Raises HarnessError with the end of its log if that fails.
        """
        program = former.origin.recipe.binaries.rewind
        _must_exist(program)
        _run_to_its_end(former.origin.launch.keeper, former.origin.recipe.rewind(self.port))
        former.run.start_again()

    def small_disk(self, size_bytes: int) -> SmallDisk:
        """Mount a small disk that this server can use. Raises HarnessError if the machine does not allow it."""
        launch = self._made.launch
        folder = _first_free(launch.folder, "disk")
        folder.mkdir()
        return SmallDisk.beside(self._owned().process, launch.keeper, folder, size_bytes)

    def answer_calls(self, *rules: FileRule) -> None:
        """Let these rules, and no others, answer the server's system calls, until its process ends."""
        self._owned().process.set_rules(rules)

    def watch(self, *calls: FileCall) -> None:
        """From its next start on, watch only these calls."""
        self._owned().goes_on_as(replace(self._made.recipe, watched=calls))

    def answered_calls(self) -> Sequence[SyscallEvent]:
        """All calls of this process that a rule has answered."""
        return self._owned().process.syscall_events()

    def beside(self, name: str) -> Launch:
        """Return where another server with that name starts: beside this one, with the same user and owner."""
        launch = self._made.launch
        folder = _first_free(launch.folder, name)
        folder.mkdir()
        _give_away(launch.keeper, folder)
        return replace(launch, folder=folder, name=name)

    @property
    def _made(self) -> _Origin:
        """How it was made. Raises HarnessError for a server given by URL."""
        if self._origin is None:
            raise not_owned(self.name, self.shown_url)
        return self._origin

    @property
    def data(self) -> Path:
        """The data directory. Raises HarnessError for a server given by URL."""
        return self._made.recipe.data

    def succeeded_by(self, copy: Copy) -> Copy:
        """Become that server: its process, its address, its data. Return the server that this object was before."""
        former = Copy(self._made, self._owned())
        self._origin, self._run, self._url = copy.origin, copy.run, copy.url
        return former

    @classmethod
    def at_url(cls, url: str, *, name: str | None = None, allow_hosts: Collection[str] = frozenset()) -> PostgresServer:
        """Use a server that already runs; `url` is its superuser's.

        Raises UsageError for a host that is neither this machine nor in `allow_hosts`, and for a server that does not
        answer or is too old, or whose user is not a superuser.
        """
        answer = answer_at(
            url, lambda asked: run_blocking(_ask(asked)), _CONNECT_ERRORS, key="postgres", title="PostgreSQL",
            schemes=_SCHEMES, default_port=cls.default_port, allow_hosts=allow_hosts,
        )  # fmt: skip
        shown = redacted(url)
        check_postgres_version("postgres", shown, answer.version)
        if not answer.superuser:
            mend = "give the URL of a superuser: each service needs a separate role and database"
            raise UsageError.at(PLACE, "postgres", shown, "its user is not a superuser", mend=mend)
        return cls(url, answer.version, name=name)

    def url(self, *, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """Return a `postgresql://` URL; without a user, the superuser's, with its password."""
        parts = urlsplit(self._url)
        if user is None or (password is None and user == unquote(parts.username or "")):
            credentials = parts.netloc.rpartition("@")[0]
        else:
            credentials = quote(user, safe="") + (f":{quote(password, safe='')}" if password is not None else "")
        address = parts.netloc.rpartition("@")[2]
        netloc = f"{credentials}@{address}" if credentials else address
        return urlunsplit(parts._replace(netloc=netloc, path="/" + quote(database, safe="")))


@dataclass(frozen=True, slots=True)
class Copy:
    """A server beside another: a standby, or a former primary. `origin`: how it was made; `run`: its process."""

    origin: _Origin
    run: ServerProcess

    @property
    def url(self) -> str:
        """The superuser's URL of it, with the password."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The superuser's URL of one of its databases."""
        return self.origin.recipe.url(self.run.port, database)

    @property
    def log_tail(self) -> str:
        """The end of its log."""
        return self.run.process.log.tail()

    def stop(self) -> None:
        """Stop it at once, because its data is no longer needed. Idempotent."""
        self.run.stop(how="immediate")


@dataclass(frozen=True, slots=True)
class _Origin:
    """How the harness made one of its servers."""

    launch: Launch
    recipe: _Recipe


@dataclass(frozen=True, slots=True)
class _Answer:
    version: str
    superuser: bool


_CONNECT_ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)


async def _ask(url: str) -> _Answer:
    connection = await asyncpg.connect(url, timeout=_CONNECT_DEADLINE_S, command_timeout=_CONNECT_DEADLINE_S)
    try:
        row = await connection.fetchrow(
            "SELECT current_setting('server_version'), current_setting('is_superuser') = 'on'"
        )
    finally:
        connection.terminate()
    if row is None:
        raise NotReadyError("it answered a SELECT without FROM with no row")
    return _Answer(str(row[0]).split()[0], bool(row[1]))


async def _take_password(url: str, recipe: _Recipe) -> None:
    """Give the harness's own user this server's password, in place of the data directory's original one.

    The password gets one round of SHA-256: each run logs in four times, and 4,096 rounds take 4 ms.
    """
    cheaply = "SET scram_iterations = 1; " if recipe.binaries.major >= _ROUNDS_SINCE else ""
    connection = await asyncpg.connect(url, timeout=_CONNECT_DEADLINE_S, command_timeout=_CONNECT_DEADLINE_S)
    try:
        await connection.execute(f"{cheaply}ALTER ROLE {SUPERUSER} PASSWORD '{recipe.password}'")
    finally:
        connection.terminate()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """How ServerProcess starts this server and checks that it is ready."""

    name: str
    binaries: PostgresBinaries
    data: Path
    log: Path
    password: str
    watched: tuple[FileCall, ...] = SYNC_CALLS
    stop_signal: signal.Signals = signal.SIGINT  # "fast": sessions are ended, not waited for
    immediate_signal: signal.Signals = signal.SIGQUIT

    def url(self, port: int, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{port}/{database}"

    def spec(self, port: int) -> ProcessSpec:
        words = (str(self.binaries.postgres), "-D", str(self.data), "-p", str(port))
        return replace(
            self._spec(self.name, self.log, *words), watched_calls=frozenset(self.watched), may_be_unwatched=True
        )

    @property
    def choices(self) -> Sequence[str]:
        """The arguments of initdb, except the folder."""
        locale = ["--no-locale"]
        if self.binaries.major >= _BUILTIN_LOCALE_SINCE:  # the same on every machine, independent of its locales
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        auth = ("--auth-host=scram-sha-256", "--auth-local=reject")
        return (f"--username={SUPERUSER}", *auth, "--encoding=UTF8", *locale, "--no-sync")

    def initdb(self, password_file: Path) -> ProcessSpec:
        where = (f"--pgdata={self.data}", f"--pwfile={password_file}")
        return self._spec("initdb", self.log, str(self.binaries.initdb), *where, *self.choices)

    def basebackup(self, data: Path, log: Path, port: int) -> ProcessSpec:
        source = f"--dbname=postgresql://{SUPERUSER}@127.0.0.1:{port}"
        words = (f"--pgdata={data}", source, "--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf")
        program = str(self.binaries.basebackup)
        return self._spec("pg_basebackup", log, program, *words, "--no-sync", PGPASSWORD=self.password)

    def rewind(self, port: int) -> ProcessSpec:
        source = f"--source-server=host=127.0.0.1 port={port} user={SUPERUSER} dbname=postgres"
        words = (f"--target-pgdata={self.data}", source, "--write-recovery-conf", "--no-sync")
        return self._spec("pg_rewind", self.log, str(self.binaries.rewind), *words, PGPASSWORD=self.password)

    def _spec(self, name: str, log: Path, *argv: str, **environment: str) -> ProcessSpec:
        return ProcessSpec(
            name=name,
            argv=argv,
            env={**_ENVIRONMENT, **environment},
            cwd=self.data.parent,
            log=log,
            as_user="mapped" if os.geteuid() == 0 else "same",  # PostgreSQL refuses to run as root
            teardown_signal=signal.SIGQUIT,  # the quickest end that removes its shared memory
        )

    def probe(self, port: int) -> None:
        try:
            run_blocking(_ask(self.url(port)))
        except _CONNECT_ERRORS as error:
            raise NotReadyError(f"{type(error).__name__}: {error}") from error


def _make_data_directory(keeper: Keeper, recipe: _Recipe, options: PostgresOptions) -> str:
    """Make it, by a copy of an earlier one or by initdb, and return its superuser's password."""
    _give_away(keeper, recipe.data.parent)
    kept = fresh_data((recipe.binaries.initdb, recipe.binaries.postgres), recipe.choices)
    password = None if kept is None else kept.copy_to(recipe.data, keeper.file_owner("mapped"))
    if password is None:
        password = recipe.password
        _run_initdb(keeper, recipe)
        if kept is not None:
            kept.keep(recipe.data, password)
    with (recipe.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write("\n# Added by the harness; of two lines the last one counts.\n" + as_conf(settings_for(options)))
    return password


def _run_initdb(keeper: Keeper, recipe: _Recipe) -> None:
    password_file = recipe.data.parent / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(recipe.password + "\n", encoding="ascii")
    _give_away(keeper, password_file)
    try:
        _run_to_its_end(keeper, recipe.initdb(password_file))
    finally:
        password_file.unlink()


def _first_free(folder: Path, name: str) -> Path:
    """Return the first free path with that name and a number."""
    return next(path for n in itertools.count(1) if not (path := folder / f"{name}-{n}").exists())


def _copy_data(keeper: Keeper, source: _Recipe, copy: _Recipe, port: int) -> None:
    _must_exist(source.binaries.basebackup)
    _run_to_its_end(keeper, source.basebackup(copy.data, copy.log, port))


def _must_exist(program: Path) -> None:
    if not program.exists():
        problem = f"there is no {program.name} in {program.parent}"
        raise HarnessError(problem, hint="name a folder with all of PostgreSQL's programs, or use 'embedded'")


def _run_to_its_end(keeper: Keeper, spec: ProcessSpec) -> None:
    """Run a program that makes a data directory. Raises HarnessError with the end of its log if it fails."""
    program = keeper.spawn(spec)
    try:
        status = program.wait(_MADE_WITHIN_S)
    except TimeoutError as error:
        kill_tree(program)
        raise HarnessError(
            f"{spec.name} did not end in {_MADE_WITHIN_S:g} s; the end of its log:\n{program.log.tail()}",
            hint="the CPU or the disk is too busy: free it, and run again",
        ) from error
    if status != 0:
        raise HarnessError(
            f"{spec.name} {describe_exit(status)}:\n{program.log.tail()}", hint="its output above has the reason"
        )


def _give_away(keeper: Keeper, path: Path) -> None:
    """Give PostgreSQL's folder, or a file in it, to the user as whom it will run, if that is another user.

    That user must also be able to enter the folder above, which gets exactly that permission.
    """
    uid, gid = keeper.file_owner("mapped")
    if uid == os.geteuid():
        return
    os.chown(path, uid, gid)
    if path.is_dir():
        path.parent.chmod(path.parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


SERVER: Final[ServerKind[PostgresBinaries, PostgresOptions]] = PostgresServer
