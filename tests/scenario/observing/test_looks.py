from __future__ import annotations

import asyncio

import pytest

from harness.engine.observing.service.looks import SharedLooks


class Looking:
    """Gives what it is told to, when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.go_on = asyncio.Event()

    async def __call__(self) -> tuple[str, ...]:
        self.times += 1
        await self.go_on.wait()
        return ("postgres",)


@pytest.mark.asyncio
async def test_all_who_ask_meanwhile_share_one() -> None:
    looking = Looking()
    looks = SharedLooks(looking)
    asked = [looks.begin() for _ in range(90)]
    looking.go_on.set()
    assert await asyncio.gather(*asked) == [("postgres",)] * 90
    assert looking.times == 1
    assert await looks.begin() == ("postgres",)
    assert looking.times == 2
    await looks.close()


@pytest.mark.asyncio
async def test_one_under_way_is_ended_at_the_end() -> None:
    looks = SharedLooks(Looking())
    look = looks.begin()
    await looks.close()
    assert look.cancelled()


@pytest.mark.asyncio
async def test_what_broke_one_is_told_though_nobody_waited_for_it() -> None:
    async def broken() -> tuple[str, ...]:
        raise ZeroDivisionError

    looks = SharedLooks(broken)
    await asyncio.wait([looks.begin()])
    with pytest.raises(ZeroDivisionError):
        await looks.begin()
    with pytest.raises(ZeroDivisionError):
        await looks.close()
