"""Which commands Redis has received, as MONITOR shows them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from redis.asyncio import Redis as RedisClient

from harness.errors import HarnessError
from harness.polling import poll
from harness.protocols.contract.access import OWN_NAME

MARK = "harness-"
REPORTED_WITHIN_S = 5.0


class CommandMonitor:
    """Runs MONITOR, and records which of certain keys a client's command has named."""

    def __init__(self, url: str, keys: Sequence[str]) -> None:
        # Without redis-py's own limit on a read: clients may be silent for as long as a scenario likes.
        self._client = RedisClient.from_url(url, client_name=OWN_NAME, socket_timeout=None)
        self._keys = frozenset(keys)
        self._met: set[str] = set()
        self._marks_seen: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._monitor = self._client.monitor()
        await self._monitor.__aenter__()  # type: ignore[no-untyped-call]  # redis-py left these out
        self._task = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        async for command in self._monitor.listen():
            words = command["command"].split()
            self._met.update(self._keys.intersection(words))
            self._marks_seen.update(word for word in words if word.startswith(MARK))

    async def met(self) -> int:
        """How many of the keys were named in the commands that Redis received before this call.

        Raises HarnessError if Redis does not report the harness's own command.
        """
        mark = MARK + secrets.token_hex(8)
        async with asyncio.timeout(REPORTED_WITHIN_S):
            await self._client.echo(mark)
        if not await poll(lambda: self._listened_to(mark), within_s=REPORTED_WITHIN_S):
            raise HarnessError(f"MONITOR did not show the harness's own command within {REPORTED_WITHIN_S:g} s")
        return len(self._met)

    def _listened_to(self, mark: str) -> bool:
        if self._task is not None and self._task.done():
            self._task.result()
        return mark in self._marks_seen

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.exception()  # `met` has told it
        await self._monitor.__aexit__(kind, error, trace)  # type: ignore[no-untyped-call]  # as above
        await self._client.aclose()
