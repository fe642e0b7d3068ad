"""Tasks with an owner: none goes on when the block that owns them has ended."""

from __future__ import annotations

import asyncio

import pytest

from harness.engine.tasks import at_once, owned, results


async def _gives(number: int) -> int:
    return number


async def _fails() -> int:
    raise ZeroDivisionError("on purpose")


async def _never() -> int:
    await asyncio.Event().wait()
    return 0


@pytest.mark.asyncio
async def test_all_results_come_in_order() -> None:
    assert await at_once(_gives(number) for number in range(5)) == [0, 1, 2, 3, 4]
    assert await results([]) == []


@pytest.mark.asyncio
async def test_when_one_fails_the_others_are_over_and_its_own_error_is_raised() -> None:
    others = [asyncio.create_task(_never()) for _ in range(3)]
    with pytest.raises(ZeroDivisionError):
        await results([*others, asyncio.create_task(_fails())])
    assert all(task.cancelled() for task in others)


@pytest.mark.asyncio
async def test_waiting_that_is_cancelled_ends_what_it_waits_for() -> None:
    others = [asyncio.create_task(_never()) for _ in range(3)]
    waiting = asyncio.create_task(results(others))
    await asyncio.sleep(0)  # it begins to wait
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert all(task.cancelled() for task in others)


@pytest.mark.asyncio
async def test_a_block_that_breaks_leaves_no_task_behind() -> None:
    task = asyncio.create_task(_never())
    with pytest.raises(LookupError):
        async with owned([task]):
            raise LookupError
    assert task.cancelled()
