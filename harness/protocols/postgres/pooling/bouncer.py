"""The harness's own PgBouncer, in front of one database of one PostgreSQL server."""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.addresses import HostPort
from harness.errors import HarnessError
from harness.processes.keeper import ProcessSpec
from harness.protocols.postgres.pooling.console import Row, ask
from harness.stack.blocking import run_blocking
from harness.stack.on_path import POOLER
from harness.stack.servers.process import ServerProcess
from harness.stack.servers.programs import version_banner
from harness.stack.servers.readiness import NotReadyError
from harness.stack.servers.server import Launch, Server

__all__ = ["PgBouncer", "Pooled", "PoolerSettings"]

IGNORED = ("extra_float_digits", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
"""Settings that drivers send at a connect. A pooler cannot pass them to a server to which it is already connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolerSettings:
    """PgBouncer's own settings of these names (pgbouncer(5))."""

    default_pool_size: int = 20
    max_client_conn: int = 100
    query_wait_timeout_s: int = 120
    ignore_startup_parameters: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """The pooled database: its address and user for PgBouncer. `tls`: whether it accepts only TLS."""

    server: HostPort
    database: str
    user: str
    password: str
    tls: bool = False


class PgBouncer(Server):
    """See the module. Clients use the database's user and password, and each transaction gets any connection."""

    protocol = "postgres"
    default_port = 6432
    _socket: str = ""
    _over: bool = False

    def __init__(self, url: str, version: str, *, run: ServerProcess, name: str) -> None:
        """See `Server`; `start` makes it."""
        super().__init__(url, version, run=run, name=name)
        self._one_at_a_time = threading.Lock()

    @classmethod
    def start(cls, launch: Launch, pooled: Pooled, settings: PoolerSettings) -> PgBouncer:
        """Start it in the launch's folder; return when it answers.

        Raises HarnessError if this machine has no PgBouncer.
        """
        program = POOLER.find()
        if program is None:
            raise HarnessError(POOLER.available().detail, hint=POOLER.available().mend)
        name = launch.name or cls.protocol
        recipe = _Recipe(
            name=name, program=program, folder=launch.folder, log=launch.log(name), pooled=pooled, settings=settings
        )
        recipe.write_users()
        run = launch.started(recipe)
        url = f"postgresql://{pooled.user}:{pooled.password}@127.0.0.1:{run.port}/{pooled.database}"
        pooler = cls(url, version_banner(program).splitlines()[0].removeprefix("PgBouncer "), run=run, name=name)
        pooler._socket = recipe.socket(run.port)
        return pooler

    def start_again(self) -> None:
        """Start it after `crash()` or `stop()`. After `give_up()` do nothing: a fault may call this too late."""
        with self._one_at_a_time:
            if not self._over:
                super().start_again()

    def give_up(self) -> None:
        """End it at once, for good. Idempotent."""
        with self._one_at_a_time:
            self._over = True
            self.stop(how="immediate")

    async def ask(self, command: str) -> Sequence[Row]:
        """Ask its admin console. Raises as `console.ask` does."""
        return await ask(self._socket, command)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe:
    """How ServerProcess starts it, and checks that it is ready."""

    name: str
    program: Path
    folder: Path
    log: Path
    pooled: Pooled
    settings: PoolerSettings
    stop_signal: signal.Signals = signal.SIGINT  # transactions end first; then all connections do
    immediate_signal: signal.Signals = signal.SIGTERM
    abstract: str = field(default_factory=lambda: f"harness-{secrets.token_hex(8)}")

    def write_users(self) -> None:
        """Write the file with the only user, and its password on the server."""
        self._write("users.txt", f'"{self.pooled.user}" "{self.pooled.password}"\n')

    def socket(self, port: int) -> str:
        """Its abstract Unix socket: the path of a file could be too long for a socket."""
        return f"\0{self.abstract}/.s.PGSQL.{port}"

    def spec(self, port: int) -> ProcessSpec:
        configuration = self._write("pgbouncer.ini", self._configuration(port))
        return ProcessSpec(
            name=self.name,
            argv=(str(self.program), str(configuration)),
            env={"LC_ALL": "C", "PATH": os.defpath},
            cwd=self.folder,
            log=self.log,
            as_user="mapped" if os.geteuid() == 0 else "same",  # it refuses to run as root
            teardown_signal=signal.SIGTERM,
        )

    def probe(self, port: int) -> None:
        try:
            run_blocking(ask(self.socket(port), "SHOW VERSION"))
        except (OSError, HarnessError) as error:
            raise NotReadyError(f"{type(error).__name__}: {error}") from error

    def _configuration(self, port: int) -> str:
        at, settings = self.pooled, self.settings
        ignored = ", ".join(IGNORED) if settings.ignore_startup_parameters else ""
        lines = {
            "listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": f"@{self.abstract}",
            "auth_type": "scram-sha-256", "auth_file": self.folder / "users.txt",
            "pool_mode": "transaction", "default_pool_size": settings.default_pool_size,
            "max_client_conn": settings.max_client_conn, "query_wait_timeout": settings.query_wait_timeout_s,
            "ignore_startup_parameters": ignored, "server_tls_sslmode": "require" if at.tls else "disable",
            "server_round_robin": 1,  # else a client that is alone always gets the same connection, and nothing shows
        }  # fmt: skip
        database = f"{at.database} = host={at.server.host} port={at.server.port}\n"
        return f"[databases]\n{database}[pgbouncer]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())

    def _write(self, name: str, text: str) -> Path:
        """Write a file that only PgBouncer's own user, the folder's owner, may read."""
        path, owner = self.folder / name, self.folder.stat()
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        os.chown(path, owner.st_uid, owner.st_gid)
        return path
