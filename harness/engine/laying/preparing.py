"""Runs the target's `prepare` for one service: on its own database or an empty one, through its own links."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from harness.addresses import HostPort
from harness.engine.laying.names import by_address
from harness.engine.laying.testbed import Testbed
from harness.engine.steps import Prepare
from harness.engine.tasks import at_once
from harness.errors import HarnessError, UsageError
from harness.faults.site import LaidLink
from harness.history import Recorder
from harness.history.events import PrepareEnded
from harness.processes.keeper import KeptProcess, ProcessSpec
from harness.stack.service.service import SAID_CHARACTERS

Words = Mapping[str, str]


class PrepareError(HarnessError):
    """The service's own `prepare` did not prepare its database, so the service cannot start."""


class Preparing:
    """Runs `prepare` as the service's deployment does. `links`: the service's links. `logs`: its run's logs."""

    def __init__(self, bed: Testbed, links: Mapping[str, LaidLink], recorder: Recorder, log: Path) -> None:
        self._bed = bed
        self._links = links
        self._described = bed.target.description.links
        self._recorder = recorder
        self._log = log
        self._numbers = itertools.count(1)

    async def at_first(self) -> None:
        """Prepare the service's own database, which is empty. Raises PrepareError."""
        (ended,) = await self._run(Prepare(), self._words())
        if ended.status != 0:
            service = self._bed.target.description.service
            became = f"ended with status {ended.status}" if ended.status is not None else service.still_prepares
            raise PrepareError(
                f"prepare {became}; the end of its output:\n{ended.said.strip()}",
                hint=service.more_time if ended.status is None else "",
            )

    async def begin(self, step: Prepare) -> Callable[[], Awaitable[object]]:
        """Begin the step; return a function that waits for its end.

        Raises UsageError if the target has no `prepare`.
        """
        if not self._bed.target.description.service.prepare:
            mend = "add prepare to [service], or leave the step out"
            raise UsageError.at("lab", "step", step.kind, "the target has no command that prepares", mend=mend)
        running = asyncio.create_task(self._perform(step))

        async def end() -> None:
            try:
                for ended in await running:
                    self._recorder.record("runner", ended)
            finally:
                running.cancel()
                await asyncio.wait([running])

        return end

    async def _perform(self, step: Prepare) -> list[PrepareEnded]:
        if not step.empty:
            return await self._run(step, self._words())
        async with AsyncExitStack() as owned:
            words: dict[str, str] = {}
            for name, laid in self._links.items():
                if laid.shares is not None:
                    continue  # there is nothing to prepare there
                empty = await owned.enter_async_context(laid.own.empty_beside())
                own = empty.words(HostPort(laid.host, laid.port), tls=laid.tls)
                given = by_address({**laid.words, **own}, self._described[name])
                words |= {f"{name}.{word}": value for word, value in given.items()}
            return await self._run(step, words)

    def _words(self) -> Words:
        laid = {name: by_address(link.words, self._described[name]) for name, link in self._links.items()}
        return {f"{name}.{word}": text for name, words in laid.items() for word, text in words.items()}

    async def _run(self, step: Prepare, words: Words) -> list[PrepareEnded]:
        each = await at_once(self._tried(step, words) for _ in range(step.copies))
        return [ended for tries in each for ended in tries]

    async def _tried(self, step: Prepare, words: Words) -> Sequence[PrepareEnded]:
        """Run one, and run it again while it fails and tries are left. Only the last try must succeed."""
        may_fail = dataclasses.replace(step, fails=True, tries=1, says="")
        ended: list[PrepareEnded] = []
        for left in reversed(range(step.tries)):
            ended.append(await self._ended(self._spawned(words), step if left == 0 else may_fail))
            if ended[-1].status == 0:
                return [*ended[:-1], dataclasses.replace(ended[-1], fails=step.fails, says=step.says)]
        return ended

    def _spawned(self, words: Words) -> KeptProcess:
        log = self._log.with_suffix(f".prepare-{next(self._numbers)}.log")
        log.write_bytes(b"")
        return (self._bed.preloaded or self._bed.stack.keeper).spawn(
            ProcessSpec(
                name="prepare", argv=self._bed.target.prepare(words), env=self._bed.environment(words, {}),
                cwd=self._bed.target.directory, log=log,
            )
        )  # fmt: skip

    async def _ended(self, process: KeptProcess, step: Prepare) -> PrepareEnded:
        began = time.monotonic()
        self._bed.beside.add(process.pid)
        status: int | None
        try:
            status = await asyncio.to_thread(process.wait, self._bed.target.description.service.prepare_within_s)
        except TimeoutError:
            status = None
        finally:
            if process.poll() is None:
                process.stop(grace_s=0)
            self._bed.beside.discard(process.pid)
        took_ms = round((time.monotonic() - began) * 1e3, 1)
        said = process.log.read()[-SAID_CHARACTERS:]
        return PrepareEnded(process.pid, status, took_ms, said, step.fails, step.says, step.hides)
