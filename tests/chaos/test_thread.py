"""The thread in which the harness acts beside a test."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import pytest

from harness.chaos.thread import HoldingThread, check_nothing_waits
from harness.errors import UsageError


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_what_it_opens_is_closed_in_the_same_thread() -> None:
    threads = []

    @contextlib.contextmanager
    def make() -> Iterator[str]:
        threads.append(threading.current_thread())
        yield "open"
        threads.append(threading.current_thread())

    with HoldingThread(make) as thread:
        assert thread.open() == "open"
        assert thread.call(answer()) == 42
        assert asyncio.run(thread.awaited(answer())) == 42
    assert threads[0] is threads[1] is not threading.current_thread()
    assert not threads[0].is_alive()


def test_what_cannot_be_opened_is_raised_and_leaves_no_thread() -> None:
    @contextlib.contextmanager
    def make() -> Iterator[str]:
        if threading.active_count():
            raise ValueError("no server")
        yield ""

    before = threading.active_count()
    with pytest.raises(ValueError, match="no server"):
        HoldingThread(make).open()
    assert threading.active_count() == before


def test_closed_while_it_opens_it_ends() -> None:
    begun, may_open, closed = threading.Event(), threading.Event(), threading.Event()

    @contextlib.contextmanager
    def make() -> Iterator[str]:
        begun.set()
        may_open.wait(10)
        yield "open"
        closed.set()

    thread = HoldingThread(make)
    opening = threading.Thread(target=thread.open)
    opening.start()
    assert begun.wait(10)
    closing = threading.Thread(target=thread.close)
    closing.start()
    may_open.set()
    closing.join(10)
    opening.join(10)
    assert closed.is_set()
    assert not opening.is_alive()


def test_a_loop_of_another_kind_is_refused() -> None:
    @contextlib.contextmanager
    def make() -> Iterator[None]:
        yield

    with HoldingThread(make) as thread:
        thread.open()
        with pytest.raises(UsageError, match="no event loop of asyncio"):
            thread.awaited(answer()).send(None)


def test_a_call_that_waits_is_refused_where_an_event_loop_runs() -> None:
    async def in_a_loop() -> None:
        check_nothing_waits("until(...)", "await chaos.auntil(...)")

    check_nothing_waits("until(...)", "await chaos.auntil(...)")
    with pytest.raises(UsageError, match=r"write await chaos\.auntil"):
        asyncio.run(in_a_loop())
