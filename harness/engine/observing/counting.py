"""Counts connections while a scenario runs. The timeline shows them; no check uses them.

What cannot be counted is recorded as unknown, with the reason. It does not change the verdict.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from harness.engine.observing.service.probes import Probed
from harness.errors import HarnessError
from harness.faults.site import Site
from harness.history import Entry, Recorder
from harness.history.events import Counted, FaultActed, FaultHealed
from harness.stack.http.client import HttpClient, UnansweredError
from harness.stack.http.exchange import Response
from harness.stack.tcp.sockets import ConnectionCount, connection_counts
from harness.target import Target

LOOK_EVERY_S = 0.2
"""Reading the kernel's table costs 2 ms of CPU: every 0.1 s, that is a twentieth of a gate's CPU. When a fault acts or
is healed, the table is read at once."""
ASK_EVERY_S = 0.2
"""Asking the service costs 2 ms of CPU, half of them the service's."""
ASK_WITHIN_S = 1.0
FINE_S = 5.0
"""After this many seconds, both happen less often in proportion: in an hour there are 800 readings."""
KERNEL, POOL, SERVICE = "kernel", "pool", "service"
LANE = "counts"
EXCERPT = 80


class Counting:
    """An async context manager; `finish` ends it earlier. Numbers are recorded where they change."""

    def __init__(self, target: Target, site: Site, recorder: Recorder) -> None:
        probes = target.description.probes
        self._site = site
        self._recorder = recorder
        self._pool: Mapping[str, str] = probes.pool if probes else {}
        self._metrics = probes.metrics if probes else ""
        self._last: dict[tuple[str, str], Counted] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._due = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._recorder.follow(self._saw)
        self._tasks.append(asyncio.create_task(_again_and_again(self._look, LOOK_EVERY_S, self._due)))
        if self._pool:
            self._tasks.append(asyncio.create_task(self._ask_again_and_again()))
        return self

    def _saw(self, entry: Entry) -> None:
        if isinstance(entry.event, FaultActed | FaultHealed):
            self._due.set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def finish(self) -> None:
        """Count a last time and stop. Raises what broke the counting."""
        await self._end(self._look, *([self._ask_once] if self._pool else []))

    async def _end(self, *last: Callable[[], Awaitable[None]]) -> None:
        """Stop counting, and record every number again so that its line reaches the end. Idempotent."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()
        for count in last:
            await count()
        for counted in self._last.values():
            self._recorder.record(LANE, counted)

    async def _look(self) -> None:
        ports = {name: laid.port for name, laid in self._site.links.items()}
        try:
            counts = await asyncio.to_thread(connection_counts, ports.values())
        except (OSError, HarnessError) as problem:  # no sock_diag: a run that does not need it is still valid
            for name in ports:
                self._note(name, KERNEL, {"open": None}, problem=_told(problem))
        else:
            for name, port in ports.items():
                words = _by_word(counts[port])
                if any(words.values()) or not self._is_unused(name):
                    self._note(name, KERNEL, words)

    def _is_unused(self, name: str) -> bool:
        """Whether it is the link of a replica or a pooler, and the service has not connected to it.

        Few scenarios use it.
        """
        return self._site.links[name].shares is not None and all(of != name for of, _ in self._last)

    async def _ask_again_and_again(self) -> None:
        async with HttpClient(keep_alive=False) as client:
            await _again_and_again(functools.partial(self._ask, client), ASK_EVERY_S, asyncio.Event())

    async def _ask_once(self) -> None:
        async with HttpClient(keep_alive=False) as client:
            await self._ask(client)

    async def _ask(self, client: HttpClient) -> None:
        async with self._site.asking.question() as allowed:
            answer = await self._said(client) if allowed and self._site.service.running else None
        if answer is not None and not answer.is_success:
            told = f"the metrics were answered with status {answer.status}: {answer.text[:EXCERPT]}"
            self._note(POOL, SERVICE, dict.fromkeys(self._pool), problem=told, status=answer.status)
            return
        try:
            probed = None if answer is None else Probed(answer.text)
            said = {word: probed.get(metric) if probed else None for word, metric in self._pool.items()}
        except (HarnessError, ValueError) as problem:  # no such metric just now, or no metrics at all
            self._note(POOL, SERVICE, dict.fromkeys(self._pool), problem=_told(problem))
        else:
            self._note(POOL, SERVICE, said)

    async def _said(self, client: HttpClient) -> Response | None:
        """Return the answer with the service's metrics; None without one: expected under a fault, shown as a gap."""
        try:
            return await client.get(self._site.service.port, self._metrics, within_s=ASK_WITHIN_S)
        except (UnansweredError, TimeoutError):
            return None

    def _note(
        self, of: str, source: str, numbers: Mapping[str, float | None], *, problem: str = "", status: int | None = None
    ) -> None:
        for what, seen in numbers.items():
            counted = Counted(of, what, seen, source, problem, status)
            if self._last.get((of, what)) != counted:
                self._last[of, what] = counted
                self._recorder.record(LANE, counted)


async def _again_and_again(count: Callable[[], Awaitable[None]], every_s: float, due: asyncio.Event) -> None:
    """Count at regular intervals, and whenever a reading is due."""
    began_s = time.monotonic()
    while True:
        due.clear()
        await count()
        with contextlib.suppress(TimeoutError):
            # This does not use wait_for: before Python 3.12 it loses a cancellation that comes together with the event.
            async with asyncio.timeout(every_s * max(1.0, (time.monotonic() - began_s) / FINE_S)):
                await due.wait()


def _told(problem: Exception) -> str:
    return problem.message if isinstance(problem, HarnessError) else str(problem)


def _by_word(count: ConnectionCount) -> Mapping[str, float]:
    return {"open": count.open, "connecting": count.connecting}
