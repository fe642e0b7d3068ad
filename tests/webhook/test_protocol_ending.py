"""What becomes of a connection that carries no request yet when the service is told to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from harness.polling import poll
from webhook.api import protocol
from webhook.api.protocol import protocol_class

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


async def _answers(scope: Any, receive: Any, send: Any) -> None:
    """Answer each request in the same way."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def told_to_end() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, and tell the connection's other end that the service ends."""
    config, state = Config(_answers, lifespan="off", log_config=None), ServerState()
    config.load()
    kind = protocol_class(headers_limit_bytes=1 << 15, headers_timeout_s=60)
    server = await asyncio.get_running_loop().create_server(lambda: kind(config, state, {}), "127.0.0.1", 0)
    async with server, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await poll(lambda: bool(state.connections), within_s=10)
        for connection in list(state.connections):
            connection.shutdown()
        yield reader, writer
        writer.close()


@pytest.mark.asyncio
async def test_the_first_request_of_who_has_just_connected_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FIRST_REQUEST_S", 3_600)
    async with told_to_end() as (reader, writer):
        writer.write(REQUEST)
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"connection: close" in answer


@pytest.mark.asyncio
async def test_who_has_connected_and_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FIRST_REQUEST_S", 0.01)
    async with told_to_end() as (reader, _):
        assert await reader.read() == b""
