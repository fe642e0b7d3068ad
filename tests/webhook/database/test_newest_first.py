"""A free connection goes to whoever began to wait last, and to one who still waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from webhook.database.newest_first import NewestFirst, NewestFirstOfTheLast, NewestFirstQueue

pytestmark = pytest.mark.asyncio


async def waiting(queue: asyncio.Queue[str], count: int) -> Sequence[asyncio.Task[str]]:
    """So many who wait, one after the other."""
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(queue.get()))
        await asyncio.sleep(0)
    return tasks


async def test_the_newest_is_served_first() -> None:
    queue = NewestFirst[str]()
    oldest, middle, newest = await waiting(queue, 3)
    for item in ("a", "b", "c"):
        queue.put_nowait(item)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [await each for each in (newest, middle, oldest)] == ["a", "b", "c"]


async def test_one_who_waits_no_more_is_passed_over() -> None:
    queue = NewestFirst[str]()
    oldest, newest = await waiting(queue, 2)
    newest.cancel()
    await asyncio.wait([newest])
    queue.put_nowait("a")
    assert await oldest == "a"


async def test_one_who_is_woken_and_gone_leaves_it_to_the_next() -> None:
    queue = NewestFirst[str]()
    oldest, newest = await waiting(queue, 2)
    queue.put_nowait("a")
    newest.cancel()  # woken, and not yet back
    assert await asyncio.wait_for(oldest, 20) == "a"
    assert newest.cancelled()


async def test_what_a_newcomer_has_taken_is_waited_for_again() -> None:
    queue = NewestFirst[str]()
    (one,) = await waiting(queue, 1)
    queue.put_nowait("a")
    assert queue.get_nowait() == "a"
    await asyncio.sleep(0)
    queue.put_nowait("b")
    assert await asyncio.wait_for(one, 20) == "b"


async def test_items_are_given_in_the_order_of_the_pools_own_queue() -> None:
    given = {}
    for use_lifo in (False, True):
        queue = NewestFirstQueue(3, use_lifo=use_lifo)
        for item in ("a", "b"):
            queue.put(item, False)  # type: ignore[arg-type]  # no connection is needed
        given[use_lifo] = [str(queue.get(False)) for _ in range(2)]
    assert given == {False: ["a", "b"], True: ["b", "a"]}
    assert issubclass(NewestFirstOfTheLast, asyncio.LifoQueue)
