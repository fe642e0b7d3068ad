"""A shortage is told once, and what it is not is told as asyncio does."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from webhook.logs import Log
from webhook.shortage import OVER_AFTER_S, Shortage


class Loop(asyncio.SelectorEventLoop):
    """Keeps what its own handler would have told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.told.append(context)


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def _accept_fails(number: int) -> dict[str, Any]:
    return {
        "message": "socket.accept() out of system resource",
        "exception": OSError(number, "none"),
        "socket": object(),
    }


def test_a_shortage_is_told_once_and_a_later_one_again(loop: Loop) -> None:
    stream, now = io.StringIO(), 100.0
    shortage = Shortage(Log(stream), clock=lambda: now)
    for _ in range(2_000):
        shortage.handle(loop, _accept_fails(errno.EMFILE))
    for _ in range(10):
        now += OVER_AFTER_S - 1
        shortage.handle(loop, _accept_fails(errno.EMFILE))
    now += OVER_AFTER_S + 1
    shortage.handle(loop, _accept_fails(errno.ENFILE))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["event"]) for line in told] == [("warning", "accept_failed")] * 2
    assert ["Errno 24" in told[0]["error"], "Errno 23" in told[1]["error"]] == [True, True]
    assert loop.told == []


@pytest.mark.parametrize(
    "context",
    [
        {"message": "Task exception was never retrieved", "exception": ValueError("x"), "future": object()},
        {"message": "Task exception was never retrieved", "exception": OSError(errno.EMFILE, "x"), "future": object()},
        _accept_fails(errno.EINVAL),
        {"message": "no exception"},
        {"message": "Future exception was never retrieved", "exception": ValueError("x"), "future": object()},
        {"message": "Task exception was never retrieved", "exception": ConnectionError("x"), "future": object()},
    ],
)
def test_everything_else_is_told_as_asyncio_does(loop: Loop, context: dict[str, Any]) -> None:
    stream = io.StringIO()
    Shortage(Log(stream), clock=lambda: 0.0).handle(loop, context)
    assert (loop.told, stream.getvalue()) == ([context], "")


def test_a_connect_that_was_given_up_as_it_succeeded_is_no_error() -> None:
    """A future of asyncpg's is left behind then, which gets an exception when the connection is closed."""

    class GivesUp(Loop):
        async def create_connection(self, *arguments: Any, **more: Any) -> Any:
            transport, protocol = await super().create_connection(*arguments, **more)
            transport.close()
            await asyncio.sleep(0)  # the protocol hears of it
            assert protocol.on_data.done()
            raise TimeoutError

    async def connect(port: int) -> None:
        with pytest.raises(TimeoutError):
            await asyncpg.connect(host="127.0.0.1", port=port, user="nobody", database="none", password="")
        gc.collect()

    stream, loop = io.StringIO(), GivesUp()
    loop.set_exception_handler(Shortage(Log(stream), clock=lambda: 0.0).handle)
    with contextlib.closing(loop), socket.create_server(("127.0.0.1", 0)) as server:
        loop.run_until_complete(connect(server.getsockname()[1]))
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["level"], line["event"], loop.told) == ("warning", "abandoned_connection_ended", [])


def test_asyncio_names_the_socket_that_could_not_accept(loop: Loop) -> None:
    """Without that word the handler would not know its own case."""
    contexts: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))

    class Full(socket.socket):
        def accept(self) -> tuple[socket.socket, Any]:
            raise OSError(errno.EMFILE, "none")

    with Full() as listener:
        listener.bind(("127.0.0.1", 0))
        accept: Any = vars(asyncio.selector_events.BaseSelectorEventLoop)["_accept_connection"]
        listener.setblocking(False)
        loop.add_reader(listener.fileno(), lambda: None)
        accept(loop, asyncio.Protocol, listener, backlog=3)
    assert {frozenset(context) for context in contexts} == {frozenset({"message", "exception", "socket"})}
