"""A NATS server with JetStream: one that the harness starts, or the user's by URL."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.processes.keeper import ProcessSpec
from harness.protocols.contract.server import ServerKind
from harness.protocols.nats.about import ABOUT
from harness.protocols.nats.asking import NatsError, version_of
from harness.protocols.nats.binaries import NatsBinary, check_nats_version, find_nats
from harness.protocols.nats.options import NatsOptions
from harness.stack.servers.readiness import NotReadyError
from harness.stack.servers.recipes import ProgramRecipe
from harness.stack.servers.server import Launch, Server
from harness.stack.servers.urls import answer_at, redacted

__all__ = ["ACCOUNTS", "SERVER", "Account", "NatsServer"]

ACCOUNTS: Final = 64
"""How many services can have streams on one server at once. Each has its own account, and sees only its own streams."""
OWN_ACCOUNT: Final = "prepare"
"""The account of the harness itself, and of the target's `prepare` command."""
_ERRORS: Final = (NatsError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Account:
    """The user who logs in; "" for a server without a login."""

    user: str
    password: str


class NatsServer(Server):
    """A NATS server. Made by `start` or `at_url`."""

    protocol = "nats"
    default_port = ABOUT.port
    password = ""
    """The password of every account on the harness's own server."""

    @classmethod
    def find(cls, wanted: str) -> NatsBinary:
        """Find and check the program. See `ServerKind.find`."""
        return find_nats(wanted)

    @classmethod
    def start(cls, launch: Launch, program: NatsBinary | None = None, options: NatsOptions | None = None) -> NatsServer:
        """Start a server that keeps its streams in the launch's folder, through restarts and crashes.

        Returns when it answers PING. Raises HarnessError with the log's tail if it does not start.
        """
        name = launch.name or cls.protocol
        password = secrets.token_hex(16)
        binary = program or find_nats("embedded")
        configuration = launch.folder / "nats.conf"
        configuration.write_text(_configuration(launch.folder, password, options or NatsOptions()), "utf-8")
        recipe = _Recipe(
            name=name, folder=launch.folder, log=launch.log(name),
            binary=binary, configuration=configuration, password=password,
        )  # fmt: skip
        run = launch.started(recipe)
        started = cls(f"nats://{OWN_ACCOUNT}:{password}@127.0.0.1:{run.port}", binary.version, run=run, name=name)
        started.password = password
        return started

    @classmethod
    def at_url(cls, url: str, *, name: str | None = None, allow_hosts: Collection[str] = frozenset()) -> NatsServer:
        """Use a server that already runs. Its services share the account of the URL's user.

        Raises UsageError for a host that is neither this machine nor in `allow_hosts`, and for a server that does not
        answer or is too old.
        """
        version = answer_at(
            url, version_of, _ERRORS, key="nats", title="NATS",
            schemes=("nats",), default_port=cls.default_port, allow_hosts=allow_hosts,
        )  # fmt: skip
        check_nats_version("nats", redacted(url), version)
        return cls(url, version, name=name)

    @property
    def url(self) -> str:
        """Its URL, with the login that the user gave, or the harness's own."""
        return self._url

    def account(self, number: int | None) -> Account | None:
        """The account of the service with this number, or for `prepare`; None on a server that was given by URL."""
        return Account(_user_of(number), self.password) if self.process is not None else None


def _user_of(number: int | None) -> str:
    """The user of an account, and its name."""
    return OWN_ACCOUNT if number is None else f"service_{number % ACCOUNTS}"


def _configuration(folder: Path, password: str, options: NatsOptions) -> str:
    accounts = "\n".join(
        f"  {user} {{ jetstream: enabled, users: [{{user: {user}, password: {password}}}] }}"
        for user in map(_user_of, (None, *range(ACCOUNTS)))
    )
    settings = "\n".join(f"{name}: {value}" for name, value in options.settings.items())
    return f'jetstream {{ store_dir: "{folder}" }}\naccounts {{\n{accounts}\n}}\n{settings}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe(ProgramRecipe):
    binary: NatsBinary
    configuration: Path
    password: str

    def spec(self, port: int) -> ProcessSpec:
        address = ("-a", "127.0.0.1", "-p", str(port))
        return self.program(str(self.binary.path), *address, "-c", str(self.configuration))

    def probe(self, port: int) -> None:
        try:
            version_of(f"nats://{OWN_ACCOUNT}:{self.password}@127.0.0.1:{port}")
        except _ERRORS as error:
            raise NotReadyError(f"{type(error).__name__}: {error}") from error


SERVER: Final[ServerKind[NatsBinary, NatsOptions]] = NatsServer
