"""A name is looked up once at a time, for a limited time, and answered from memory where that fails."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from webhook.logs import Log
from webhook.names import Names

pytestmark = pytest.mark.asyncio
QUESTION = ("db.test", 5432, 0, socket.SOCK_STREAM, 0, 0)
FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 5432))]


class Resolver:
    """Stands for the C library's: it says what it was told to, when it was let go."""

    def __init__(self) -> None:
        self.says: Any = FOUND
        self.asked = 0
        self.let_go = threading.Event()
        self.let_go.set()

    def __call__(self, *_: object) -> Any:
        self.asked += 1
        assert self.let_go.wait(20)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


def make(*, limit_s: float | None = 20.0, last_known: bool = True) -> tuple[Names, Callable[[], list[Any]]]:
    stream = io.StringIO()
    return Names(limit_s=limit_s, last_known=last_known, log=Log(stream)), lambda: [
        json.loads(line) for line in stream.getvalue().splitlines()
    ]


async def test_many_who_wait_ask_once_and_each_later_one_anew(resolver: Resolver) -> None:
    looked, _ = make()
    resolver.let_go.clear()
    waiting = [asyncio.create_task(looked.look_up(QUESTION)) for _ in range(50)]
    gives_up = asyncio.create_task(looked.look_up(QUESTION))
    await asyncio.sleep(0)
    gives_up.cancel()
    await asyncio.wait([gives_up])
    resolver.let_go.set()
    assert await asyncio.gather(*waiting) == [FOUND] * 50
    assert resolver.asked == 1
    assert await looked.look_up(QUESTION) == FOUND
    assert resolver.asked == 2


async def test_what_cannot_be_told_now_is_what_it_was(resolver: Resolver) -> None:
    looked, log = make()
    await looked.look_up(QUESTION)
    resolver.says = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert await looked.look_up(QUESTION) == FOUND
    assert [(line["event"], line["name"], line["last_known"]) for line in log()] == [
        ("name_not_resolved", "db.test", True)
    ]
    resolver.says = other = [(*FOUND[0][:4], ("127.0.0.2", 5432))]
    assert await looked.look_up(QUESTION) == other, "what it is now comes first"


@pytest.mark.parametrize("limit_s", [20.0, None])
@pytest.mark.parametrize(
    ("says", "told"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "Temporary failure"),
        (UnicodeError("label empty or too long"), "label empty or too long"),
    ],
)
async def test_what_was_never_known_is_an_error_of_the_connect(
    resolver: Resolver, says: Exception, told: str, limit_s: float | None
) -> None:
    looked, _ = make(limit_s=limit_s)
    resolver.says = says
    with pytest.raises(OSError, match=told) as error:
        await looked.look_up(QUESTION)
    assert error.value.errno is not None, "a time-out of asyncio's has none, and would count as one"


async def test_nobody_waits_beyond_the_limit_not_even_who_comes_later(resolver: Resolver) -> None:
    looked, log = make(limit_s=0.05)
    while True:  # until it is known: on a busy machine the thread that looks may need longer
        with suppress(OSError):
            await looked.look_up(QUESTION)
            break
    asked = resolver.asked
    resolver.let_go.clear()
    try:
        assert await looked.look_up(QUESTION) == FOUND
        assert await looked.look_up(QUESTION) == FOUND
        assert resolver.asked == asked + 1, "the first one of these still goes on"
        assert all("within 0.05 s" in line["error"] for line in log())
    finally:
        resolver.let_go.set()


async def test_without_memory_nothing_is_known(resolver: Resolver) -> None:
    looked, _ = make(last_known=False)
    await looked.look_up(QUESTION)
    resolver.says = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with pytest.raises(OSError, match="Name or service not known"):
        await looked.look_up(QUESTION)
