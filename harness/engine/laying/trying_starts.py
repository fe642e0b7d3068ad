"""Tries the starts that the target describes: processes of the service, or of its `prepare`, beside the service."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.engine.known_secrets import KnownSecrets
from harness.engine.laying.testbed import Testbed, passed_on
from harness.engine.tasks import at_once
from harness.errors import UsageError
from harness.history import Recorder
from harness.history.events import StartTried
from harness.polling import poll_async
from harness.processes.keeper import KeptProcess, ProcessSpec
from harness.stack.http.client import HttpClient, UnansweredError
from harness.stack.service.service import SAID_CHARACTERS, ServiceProcess
from harness.stack.service.start import ServiceSpec
from harness.stack.tcp.sockets import TcpListener, listening
from harness.target import fill_in
from harness.target.placeholders import SERVICE_PORT
from harness.target.sections.starts import StartDescription

AT_ONCE = 2
"""More would only wait for a core."""
ENDS_WITHIN_S = 60.0
"""How long a start may take to end that does not come up."""
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a process listens on that listens everywhere


@dataclass(frozen=True, slots=True)
class StartTrials:
    """Starts what the target describes. `words`: those of the service's links. `log`: the service's own."""

    bed: Testbed
    words: Mapping[str, str]
    recorder: Recorder
    log: Path
    secrets: KnownSecrets

    async def try_all(self, service: ServiceProcess) -> None:
        """Try each start, a few at once, and record how it ended. Raises UsageError if the target describes none."""
        described = self.bed.target.description.starts
        if not described:
            mend = "describe one, in a table [starts.NAME], or leave the step out"
            raise UsageError.at("lab", "step", "starts", "the target describes no start", mend=mend)
        turn = asyncio.Semaphore(AT_ONCE)

        async def in_turn(name: str, start: StartDescription) -> None:
            async with turn:
                self.recorder.record("service", await self._tried(name, start, service))

        await at_once(in_turn(name, start) for name, start in described.items() if _has_address(start.address))

    async def _tried(self, name: str, start: StartDescription, service: ServiceProcess) -> StartTried:
        spec = service.another()
        process = self._spawned(name, start, spec, service)
        self.bed.beside.add(process.pid)
        began, serves = time.monotonic(), start.runs == "command"
        came_up = False
        status: int | None
        try:
            if serves:
                came_up = await _came_up(process, spec, enough_to_listen=start.fails)
            if came_up:
                await asyncio.to_thread(process.send_signal, signal.SIGTERM)
            within_s = ENDS_WITHIN_S if serves else self.bed.target.description.service.prepare_within_s
            status = await asyncio.to_thread(process.wait, spec.stop_within_s if came_up else within_s)
        except TimeoutError:
            status = None
        finally:
            if process.poll() is None:
                await asyncio.to_thread(process.stop, grace_s=0)
            self.bed.beside.discard(process.pid)
        took_ms = round((time.monotonic() - began) * 1e3, 1)
        whole = process.log.read()
        shown = tuple(f"{each.what}: {each.excerpt}" for each in self.secrets.shown_in(whole, name))
        return StartTried(
            name, process.pid, status, took_ms, came_up, whole[-SAID_CHARACTERS:], start.fails, serves,
            start.says or "", start.hides or "",
            tuple(self.bed.target.description.service.ends_with) if serves else (), shown,
        )  # fmt: skip

    def _spawned(self, name: str, start: StartDescription, spec: ServiceSpec, service: ServiceProcess) -> KeptProcess:
        log = self.log.with_suffix(f".start-{name}.log")
        log.write_bytes(b"")
        usual = spec.argv if start.runs == "command" else self.bed.target.prepare(self.words)
        argv = self.bed.target.another_command(start, self.words) or usual
        words = {**self.words, **spec.environment, SERVICE_PORT: str(service.port)}
        own = {**spec.environment, **service.settings}
        if start.only is not None:
            kept = {*start.only, *passed_on()}
            own = {key: value for key, value in own.items() if key in kept}
        changed = {key: fill_in(text, words) for key, text in start.environment.items()}
        return (self.bed.preloaded or self.bed.stack.keeper).spawn(
            ProcessSpec(
                name="start", argv=(*argv, *start.arguments), env={**own, **changed},
                cwd=self.bed.target.directory, log=log, rules=spec.rules,
                watched_calls=frozenset({"connect"}) if spec.rules else frozenset(),
            )
        )  # fmt: skip


def _has_address(address: str | None) -> bool:
    """Whether this machine can listen on the address, if one is needed."""
    if address is None:
        return True
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind((address, 0))
    except OSError:
        return False
    return True


async def _came_up(process: KeptProcess, spec: ServiceSpec, *, enough_to_listen: bool) -> bool:
    """Wait until it listens, and perhaps says that it is alive, or has ended, or its time is over. Whether it did."""
    up = False

    async def over() -> bool:
        nonlocal up
        gone = process.poll() is not None
        listener = None if gone else _listener(process, spec)
        up = listener is not None and (enough_to_listen or await _alive(listener, spec.alive))
        return gone or up

    await poll_async(over, within_s=spec.start_within_s)
    return up


def _listener(process: KeptProcess, spec: ServiceSpec) -> TcpListener | None:
    """Where it listens: by its log, if that says so, and the kernel."""
    port = spec.port
    if spec.listening is not None:
        found = re.search(spec.listening, process.log.read())
        if found is None:
            return None
        port = int(found["port"])
    return next(iter(listening(port, pids=[process.pid])), None)


async def _alive(listener: TcpListener, path: str) -> bool:
    host = ANY_ADDRESS.get(listener.local.host, listener.local.host)
    async with HttpClient(keep_alive=False, host=host) as http:
        try:
            return (await http.get(listener.local.port, path, within_s=1.0)).is_success
        except (UnansweredError, TimeoutError):
            return False
