"""One Toxiproxy server: started by the harness, or a running one that the user names by its URL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper, KeptProcess, LogFile, ProcessSpec
from harness.stack._port_claims import PortClaims
from harness.stack.readiness import EndedError, NotReadyError, wait_ready
from harness.stack.sockets import listening
from harness.stack.toxiproxy._go_buildinfo import read_go_build
from harness.stack.toxiproxy._log import AcceptedClient, ProxyEvent, proxy_events
from harness.stack.toxiproxy.build import BUILD, TOXIPROXY_MODULE, toxiproxy_server_path
from harness.stack.toxiproxy.client import ToxiproxyClient, parse_api_url

__all__ = ["AcceptedClient", "ProxyEvent", "ToxiproxyServer", "named_toxiproxy", "toxiproxy_version"]

PLACE = "stack configuration"
READY_WITHIN_S = 30.0
START_ATTEMPTS = 10
LOG_LEVEL = "info"  # "Accepted client" and "Terminated proxy" are evidence; debug has a line for each API call


class ToxiproxyServer:
    """A Toxiproxy for as long as the context lasts.

    `configuration` is `build` (the cached build, made now if there is none), the path of a
    toxiproxy-server, or the `http://` URL of a running one on this machine. Raises UsageError for
    anything else, HarnessError when it does not start. Its proxies end with it; a server given by URL
    keeps those that were not deleted.
    """

    def __init__(
        self,
        configuration: str,
        folder: Path,
        *,
        keeper: Keeper,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._configuration = configuration
        self._folder = folder
        self._keeper = keeper
        self._progress = progress
        self._owned = ExitStack()
        self._process: KeptProcess | None = None
        self._client: ToxiproxyClient | None = None
        self.api_url = ""
        self.version = ""
        """The real one, as `2.12.0`; what the server itself says where it was given by URL."""

    def __enter__(self) -> Self:
        with self._owned:
            if "://" in self._configuration:
                self._use(self._configuration)
            else:
                self._start(self._binary())
            self._owned = self._owned.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server, if the harness started it, and give the ports back. Idempotent."""
        self._owned.close()

    @property
    def process(self) -> KeptProcess | None:
        """Its process; None for a server given by URL."""
        return self._process

    @property
    def log(self) -> LogFile | None:
        """Its log; None for a server given by URL."""
        return None if self._process is None else self._process.log

    def client(self) -> ToxiproxyClient:
        """Return the control client: one for the server's whole life, usable from any thread."""
        if self._client is None:
            raise HarnessError("Toxiproxy is not running", hint="use it inside its `with` block")
        return self._client

    def events(self, since: int = 0) -> tuple[ProxyEvent, ...]:
        """Return what its log says of proxies and clients from the mark `since` (`log.size()`) on.

        Raises HarnessError for a server given by URL: its log is not ours.
        """
        if self.log is None:
            hint = "let the harness start Toxiproxy (--toxiproxy build, or a path), and its log is evidence"
            raise HarnessError("the log of a Toxiproxy given by URL cannot be read", hint=hint)
        return proxy_events(self.log.read(since))

    def accepted(self, proxy_name: str, since: int = 0) -> tuple[AcceptedClient, ...]:
        """Return the clients that the proxy has accepted from the mark `since` on, in order."""
        found = (event.client for event in self.events(since) if event.accepted and event.proxy == proxy_name)
        return tuple(client for client in found if client is not None)

    # ------------------------------------------------------------------ inside

    def _binary(self) -> Path:
        if self._configuration == BUILD:
            return toxiproxy_server_path(keeper=self._keeper, progress=self._progress)
        return named_toxiproxy(self._configuration)

    def _use(self, url: str) -> None:
        if not parse_api_url(url).is_loopback:
            mend = "run it on this machine: its proxies listen on 127.0.0.1, where the service is"
            raise UsageError.at(PLACE, "toxiproxy", url, "another machine", mend=mend)
        self.api_url = url.rstrip("/")
        self._client = self._owned.enter_context(ToxiproxyClient(self.api_url))
        self.version = self._client.version()

    def _start(self, binary: Path) -> None:
        ports = self._owned.enter_context(PortClaims())
        for attempt in range(START_ATTEMPTS):
            port = ports.claim()
            process = self._spawn(binary, port, attempt)
            if self._comes_up(process, port):
                self._process = process
                self._owned.callback(process.stop)
                break
            process.stop()
            ports.release(port)
        else:
            hint = "see which program listens on so many ports: ss -ltnp"
            raise HarnessError(f"Toxiproxy: each of {START_ATTEMPTS} ports for its API was taken", hint=hint)
        self.api_url = f"http://127.0.0.1:{port}"
        self._client = self._owned.enter_context(ToxiproxyClient(self.api_url))
        self.version = toxiproxy_version(binary) or self._client.version()

    def _spawn(self, binary: Path, port: int, attempt: int) -> KeptProcess:
        log = self._folder / (f"toxiproxy-{attempt}.log" if attempt else "toxiproxy.log")
        argv = (str(binary), "-host", "127.0.0.1", "-port", str(port), "-proxy-metrics")
        env = {"LOG_LEVEL": LOG_LEVEL}
        return self._keeper.spawn(ProcessSpec(name="toxiproxy", argv=argv, env=env, cwd=self._folder, log=log))

    def _comes_up(self, process: KeptProcess, port: int) -> bool:
        """Wait until this process listens on `port`; False when another one has the port.

        An answer on the port would not do: it may be another run's Toxiproxy that answers.
        """
        ended = threading.Event()
        unsubscribe = process.on_exit(lambda _status: ended.set())
        try:
            return wait_ready(lambda: _listens(process, port), ended=ended, deadline_s=READY_WITHIN_S)
        except (EndedError, TimeoutError) as error:
            status = process.poll()
            why = f"did not listen within {READY_WITHIN_S:g} s" if status is None else f"exited with {status}"
            process.stop()
            hint = f"run it by hand: {process.name} -version; or let the harness build one: --toxiproxy {BUILD}"
            raise HarnessError(f"Toxiproxy {why}; its log ends:\n{process.log.tail()}", hint=hint) from error
        finally:
            unsubscribe()


def _listens(process: KeptProcess, port: int) -> bool:
    if listening(port, pids=[process.pid]):
        return True
    if "address already in use" in process.log.read():  # it says so and lives on, serving nothing
        return False
    raise NotReadyError(f"process {process.pid} does not listen on port {port} yet")


def named_toxiproxy(name: str) -> Path:
    """Return the program that the user names. Raises UsageError when it is none."""
    path = Path(name).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.X_OK):
        mend = f"name an executable toxiproxy-server, http://HOST:PORT, or {BUILD!r}"
        raise UsageError.at(PLACE, "toxiproxy", name, "no program is there", mend=mend)
    return path


def toxiproxy_version(binary: Path) -> str | None:
    """Return the version in the program's build information, None where that tells none."""
    build = read_go_build(binary)
    if build is None or not build.module.startswith(TOXIPROXY_MODULE) or not build.version.startswith("v"):
        return None
    return build.version.removeprefix("v")
