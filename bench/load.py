"""The load: a number of requests at a fixed concurrency, over open connections.

It uses asyncio's protocols to be light: with a client that takes more of the two cores than the service, the benchmark
would measure the client. It sends the next request of a connection when the last one is answered, so a slow service
gets fewer.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.statistics import percentile
from harness.errors import HarnessError
from harness.target import Delivery, Sender

SOURCE = "bench"
LOAD_WITHIN_S = 60.0
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`requests` in all, `concurrency` of them at a time, each with a body of `body_bytes`."""

    requests: int
    concurrency: int
    body_bytes: int

    def __str__(self) -> str:
        """The load in words, for a note."""
        return f"{self.requests} requests a sample, {self.concurrency} at a time, bodies of {self.body_bytes} bytes"


def encoded(sender: Sender, load: Load, *, prefix: str) -> list[bytes]:
    """Build and sign the requests beforehand: each has a different id, which begins with `prefix`."""
    return [_encode(sender, f"{prefix}-{index}", load.body_bytes) for index in range(load.requests)]


def _encode(sender: Sender, name: str, size: int) -> bytes:
    start = f'{{"id":"{name}","padding":"'.encode()
    delivery = Delivery(name, SOURCE, start + b"x" * max(0, size - len(start) - 2) + b'"}')
    outgoing = sender.request(delivery)
    lines = [f"{outgoing.method} {outgoing.path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(outgoing.body)}"]
    lines += [f"{key}: {value}" for key, value in outgoing.headers.items()]
    return "\r\n".join(lines).encode("ascii") + _HEAD_END + outgoing.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The time of the load, and of each of its requests."""

    took_s: float
    each_s: Sequence[float]

    @property
    def p99_ms(self) -> float:
        """The time that 99 in a hundred requests did not exceed; with fewer than a hundred, nearly the longest."""
        return percentile(self.each_s, 0.99) * 1e3


def send(runner: asyncio.Runner, port: int, requests: Sequence[bytes], *, concurrency: int) -> Answered:
    """Send them all. Raises HarnessError at the first answer that is not 200."""
    gc.collect()
    return runner.run(_send(port, requests, concurrency))


async def _send(port: int, requests: Sequence[bytes], concurrency: int) -> Answered:
    loop = asyncio.get_running_loop()
    work = iter(requests)
    each_s: list[float] = []
    clients = [_Client(work, each_s, loop.create_future()) for _ in range(concurrency)]
    try:
        for client in clients:
            await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]  # bound
        began = time.perf_counter()
        for client in clients:
            client.next()
        async with asyncio.timeout(LOAD_WITHIN_S):
            await asyncio.gather(*(client.done for client in clients))
        return Answered(took_s=time.perf_counter() - began, each_s=each_s)
    finally:
        for client in clients:
            client.close()


class _Client(asyncio.Protocol):
    """One connection; it shares the remaining requests with the others."""

    def __init__(self, work: Iterator[bytes], each_s: list[float], done: asyncio.Future[None]) -> None:
        self._work = work
        self._each_s = each_s
        self._sent_s = 0.0
        self.done = done
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def next(self) -> None:
        """Send the next request, or finish."""
        request = next(self._work, None)
        if request is None:
            self.done.set_result(None)
        elif self._transport is not None:
            self._sent_s = time.perf_counter()
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self.done.done() or not _whole(self._received):
            return
        if not self._received.startswith(b"HTTP/1.1 200 "):
            answer = bytes(self._received[:300]).decode("latin-1")
            self.done.set_exception(HarnessError(f"a request was not acknowledged: {answer!r}"))
            return
        self._each_s.append(time.perf_counter() - self._sent_s)
        self._received.clear()
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(HarnessError(f"the service closed a connection: {exc!r}"))

    def close(self) -> None:
        """Close the connection."""
        if not self.done.done():
            self.done.cancel()
        if self._transport is not None:
            self._transport.abort()


def _whole(received: bytearray) -> bool:
    """Return whether an answer with a Content-Length has arrived completely."""
    head = received.find(_HEAD_END)
    if head < 0:
        return False
    place = bytes(received[:head]).lower().find(_LENGTH)
    if place < 0:
        raise HarnessError("an answer has no Content-Length", hint="the load reads no other kind of answer")
    length = int(received[place + len(_LENGTH) :].split(b"\r\n", 1)[0])
    return len(received) >= head + len(_HEAD_END) + length


__all__ = ["Answered", "Load", "encoded", "send"]
