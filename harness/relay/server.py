"""The relay's process. The keeper starts it; it is ready when `start` returns, and ends with its context."""

from __future__ import annotations

import os
import select
import socket
from contextlib import closing
from pathlib import Path

from harness.closing import Closing
from harness.errors import HarnessError
from harness.processes.bare import bare_command
from harness.processes.keeper import Keeper, KeptProcess, LogFile, ProcessSpec
from harness.relay.control.client import RelayControl

READY_WITHIN_S = 30.0

_MODULE = "harness.relay._relay"
_CONTROL = "relay.sock"
_READY = "relay-ready.sock"
_SOCKET_PATH_MAX = 107  # bytes of sockaddr_un.sun_path, less its end (unix(7))


class RelayServer(Closing):
    """A relay for as long as the context lasts. Made by `start`.

    Watch `process` to notice if it ends unexpectedly.
    """

    name = "relay"

    def __init__(self, process: KeptProcess, control: Path, version: str) -> None:
        self.process = process
        self.version = version
        """The version of its event loop: "uvloop 0.23.0"."""
        self._control = control

    @classmethod
    def start(cls, keeper: Keeper, folder: Path, *, logs: Path | None = None) -> RelayServer:
        """Start the process; returns when it takes control connections.

        `folder` (private, existing) gets the control socket; the log is `relay.log` in `logs`, or by default in
        `folder`. Raises HarnessError, with the log's tail, if it does not start.
        """
        for name in (_CONTROL, _READY):
            _check_length(folder / name)
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as ready:
            ready.bind(str(folder / _READY))
            ready.listen(1)
            process = keeper.spawn(_spec(folder, (logs or folder) / "relay.log"))
            try:
                version = _wait_ready(process, ready)
            except BaseException:
                process.stop()
                raise
        return cls(process, folder / _CONTROL, version)

    def close(self) -> None:
        """Stop the process. Idempotent."""
        self.process.stop()

    @property
    def log(self) -> LogFile:
        """The relay's log, which contains only its own errors."""
        return self.process.log

    def control(self) -> RelayControl:
        """Return a control connection that is not open yet: one for each run and event loop."""
        return RelayControl(self._control)


def _spec(folder: Path, log: Path) -> ProcessSpec:
    argv = bare_command(_MODULE, _CONTROL, _READY, site_packages=True)
    env = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": os.defpath}
    return ProcessSpec(name="relay", argv=argv, env=env, cwd=folder, log=log)


def _check_length(path: Path) -> None:
    if len(os.fsencode(path)) > _SOCKET_PATH_MAX:
        problem = f"{path} is longer than the {_SOCKET_PATH_MAX} bytes that a Unix socket's path may have"
        raise HarnessError(problem, hint="give the run a folder with a shorter path (HARNESS_TMP)")


def _wait_ready(process: KeptProcess, ready: socket.socket) -> str:
    """Return the version that the relay reports when it is ready. Raises HarnessError if it does not become ready."""
    ended, ends = socket.socketpair()
    with ended, ends:
        unsubscribe = process.on_exit(lambda _status: ends.shutdown(socket.SHUT_RDWR))
        try:
            readable, _, _ = select.select([ready, ended], [], [], READY_WITHIN_S)
        finally:
            unsubscribe()
    if ready in readable:
        with closing(ready.accept()[0]) as told:
            told.settimeout(READY_WITHIN_S)
            version = told.recv(1024).decode()
        if version:
            return version
    status = process.poll()
    why = f"ended with status {status}" if ended in readable or status is not None else "does not answer"
    raise HarnessError(f"the relay {why}; the end of its log:\n{process.log.tail()}", hint="see its log for the reason")
