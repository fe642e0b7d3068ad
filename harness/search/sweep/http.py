"""One client of a lane: HTTP/1.1 over a connection that stays open, for speed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import h11

from harness.target import Labels, OutgoingRequest
from harness.vocabulary import REFUSED, UNKNOWN, Outcome

READ_BYTES = 65_536
SERVER_FAILED = 500
IDLE_MAX_S = 2.0
"""A connection that lay idle for longer is not used again: the service may be about to close it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a request ended. `problem`: why there is no status."""

    outcome: Outcome
    took_ms: float
    status: int | None = None
    body: bytes = b""
    problem: str | None = None

    def __str__(self) -> str:
        """The ending in words."""
        what = f"status {self.status}" if self.status is not None else self.problem
        return f"{self.outcome}, {what}, after {self.took_ms / 1e3:.2f} s"


class LaneClient:
    """Sends one request at a time to one port of this machine. Use it as a context manager."""

    def __init__(self, labels: Labels, *, patience_s: float) -> None:
        self._labels = labels
        self._patience_s = patience_s
        self._port = 0
        self._http = h11.Connection(h11.CLIENT)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._used_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connection go; the next request opens another."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is None:
            return
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            return  # the service was faster

    async def send(self, port: int, outgoing: OutgoingRequest) -> Reply:
        """Send a request and wait for its end, which comes after `patience_s` at the latest."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience_s):
                status, body = await self._exchange(port, outgoing)
        except TimeoutError:
            await self.close()
            return self._ended(began, UNKNOWN, f"no answer in {self._patience_s:.1f} s")
        except _NotConnectedError as problem:
            return self._ended(began, REFUSED, f"not connected: {problem.__cause__!r}")
        except (OSError, h11.RemoteProtocolError) as problem:
            await self.close()
            return self._ended(began, UNKNOWN, repr(problem))
        took_ms = (time.perf_counter() - began) * 1e3
        return Reply(outcome=self._labels.label(status), took_ms=took_ms, status=status, body=body)

    def _ended(self, began: float, outcome: Outcome, problem: str) -> Reply:
        return Reply(outcome=outcome, took_ms=(time.perf_counter() - began) * 1e3, problem=problem)

    async def _exchange(self, port: int, outgoing: OutgoingRequest) -> tuple[int, bytes]:
        reader, writer = await self._connected(port)
        writer.write(self._request(port, outgoing))
        status, body = await self._response(reader)
        finished = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        # A server that has failed may close the connection right after its answer, and say nothing of it.
        if finished and status < SERVER_FAILED:
            self._http.start_next_cycle()
            self._used_at = time.monotonic()
        else:
            await self.close()
        return status, body

    async def _connected(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is not None and self._writer is not None:
            idle_s = time.monotonic() - self._used_at
            if port == self._port and idle_s < IDLE_MAX_S and not self._reader.at_eof():
                return self._reader, self._writer
            await self.close()
        try:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError as problem:
            raise _NotConnectedError from problem
        self._port = port
        self._http = h11.Connection(h11.CLIENT)
        return self._reader, self._writer

    def _request(self, port: int, outgoing: OutgoingRequest) -> bytes:
        headers = [
            ("host", f"127.0.0.1:{port}"),
            ("content-length", str(len(outgoing.body))),
            *outgoing.headers.items(),
        ]
        head = h11.Request(method=outgoing.method, target=outgoing.path, headers=headers)
        parts = [self._http.send(head), self._http.send(h11.Data(data=outgoing.body))]
        return b"".join(part or b"" for part in (*parts, self._http.send(h11.EndOfMessage())))

    async def _response(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        status, body = 0, bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await reader.read(READ_BYTES))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the connection ended before the answer did")


class _NotConnectedError(Exception):
    """It never had a connection, so the service never had the request."""


__all__ = ["LaneClient", "Reply"]
