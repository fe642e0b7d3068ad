"""One Toxiproxy server: started by the harness, or a running one that the user names by its URL."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper, ProcessSpec
from harness.stack.servers.process import ServerProcess
from harness.stack.servers.recipes import ProgramRecipe
from harness.stack.servers.server import Launch, Server
from harness.stack.servers.urls import PLACE
from harness.stack.toxiproxy.build import BUILD, TOXIPROXY_MODULE, toxiproxy_server_path
from harness.stack.toxiproxy.client import ToxiproxyClient, parse_api_url
from harness.stack.toxiproxy.go_buildinfo import read_go_build
from harness.stack.toxiproxy.log import AcceptedClient, ProxyEvent, proxy_events

__all__ = ["AcceptedClient", "ProxyEvent", "ToxiproxyServer", "find_toxiproxy", "named_toxiproxy", "toxiproxy_version"]

LOG_LEVEL = "info"  # "Accepted client" and "Terminated proxy" are evidence; debug has a line for each API call


class ToxiproxyServer(Server):
    """A Toxiproxy. Made by `start` or `at_url`.

    Its proxies end with it; a server given by URL keeps those that were not deleted. `version`: `2.12.0`, from the
    program; the server's own answer if the program has none, or it was given by URL.
    """

    protocol = "toxiproxy"
    default_port = 8474

    def __init__(self, api_url: str, version: str | None = None, *, run: ServerProcess | None = None) -> None:
        self.api_url = api_url
        self._client = ToxiproxyClient(api_url)
        super().__init__(api_url, version or self._client.version(), run=run)

    @classmethod
    def start(cls, launch: Launch, binary: Path) -> ToxiproxyServer:
        """Start a program. Raises HarnessError with the log's tail if it does not start."""
        run = launch.started(_Recipe(binary=binary, folder=launch.folder, log=launch.log(cls.protocol)))
        try:
            return cls(f"http://127.0.0.1:{run.port}", toxiproxy_version(binary), run=run)
        except BaseException:
            run.stop()
            raise

    @classmethod
    def at_url(cls, url: str) -> ToxiproxyServer:
        """Use a server that runs already, on this machine. Raises UsageError for another machine's."""
        if not parse_api_url(url).is_loopback:
            mend = "run it on this machine: its proxies listen on 127.0.0.1, where the service is"
            raise UsageError.at(PLACE, "toxiproxy", url, "another machine", mend=mend)
        return cls(url.rstrip("/"))

    def close(self) -> None:
        """Stop the server if the harness owns it, and give back the proxies' ports. Idempotent."""
        self._client.close()
        super().close()

    def client(self) -> ToxiproxyClient:
        """Return the control client: one for the server's whole life, usable from any thread."""
        return self._client

    def events(self, since: int = 0) -> tuple[ProxyEvent, ...]:
        """Return the log's events on proxies and clients since the mark `since` (`log.size()`).

        Raises HarnessError for a server given by URL, whose log is not available.
        """
        if self.log is None:
            hint = "let the harness start Toxiproxy (--toxiproxy build, or a path), and its log is evidence"
            raise HarnessError("the log of a Toxiproxy given by URL cannot be read", hint=hint)
        return proxy_events(self.log.read(since))

    def accepted(self, proxy_name: str, since: int = 0) -> tuple[AcceptedClient, ...]:
        """Return the clients that the proxy has accepted from the mark `since` on, in order."""
        found = (event.client for event in self.events(since) if event.accepted and event.proxy == proxy_name)
        return tuple(client for client in found if client is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recipe(ProgramRecipe):
    binary: Path
    name: str = "toxiproxy"

    def spec(self, port: int) -> ProcessSpec:
        argv = (str(self.binary), "-host", "127.0.0.1", "-port", str(port))
        env = {"LOG_LEVEL": LOG_LEVEL, "GOMAXPROCS": "1"}  # with more, waking each other is a fifth of its CPU
        return ProcessSpec(name=self.name, argv=argv, env=env, cwd=self.folder, log=self.log)

    def probe(self, port: int) -> None:
        """Check nothing: a Toxiproxy that listens is ready."""


def find_toxiproxy(wanted: str, keeper: Keeper, progress: Callable[[str], None] | None = None) -> Path:
    """Return the program: for `build` the cached build, made now if it is missing.

    Otherwise the one that the user names.

    Raises UsageError if the user's path is not a program, and HarnessError if the build fails.
    """
    if wanted == BUILD:
        return toxiproxy_server_path(keeper=keeper, progress=progress)
    return named_toxiproxy(wanted)


def named_toxiproxy(name: str) -> Path:
    """Return the program that the user names. Raises UsageError if it is not one."""
    path = Path(name).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        mend = f"name an executable toxiproxy-server, http://HOST:PORT, or {BUILD!r}"
        raise UsageError.at(PLACE, "toxiproxy", name, "no program is there", mend=mend)
    return path


def toxiproxy_version(binary: Path) -> str | None:
    """Return the version in the program's build information; None if there is none."""
    build = read_go_build(binary)
    if build is None or not build.module.startswith(TOXIPROXY_MODULE) or not build.version.startswith("v"):
        return None
    return build.version.removeprefix("v")
