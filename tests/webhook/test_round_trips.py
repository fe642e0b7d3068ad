"""Keys that come together are asked for together, and each caller gets the answer to its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from harness.polling import poll_async
from webhook.metrics import Metrics
from webhook.round_trips import RoundTrips

pytestmark = pytest.mark.asyncio
WITHIN_S = 10.0


class Asked:
    """A server that answers when it is told to. `trips`: the keys of each round trip."""

    def __init__(self, *, keys_max: int = 3, quick_s: float = WITHIN_S, limit_s: float | None = None) -> None:
        self.trips: list[Sequence[str]] = []
        self.answers: list[asyncio.Future[Sequence[object]]] = []
        self.metrics = Metrics()
        self.together = RoundTrips(
            self._one, self._several, keys_max=keys_max, quick_s=quick_s, limit_s=limit_s, metrics=self.metrics
        )

    async def _one(self, key: str) -> object:
        return (await self._several([key]))[0]

    async def _several(self, keys: Sequence[str]) -> Sequence[object]:
        self.trips.append(keys)
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    async def ask(self, *keys: str) -> list[asyncio.Task[object]]:
        """Ask for each, and come back when all of them ask or wait."""
        tasks = [asyncio.create_task(self.together.ask(key)) for key in keys]
        await turns()
        return tasks

    async def answer(self, trip: int) -> None:
        """Answer each key with itself."""
        self.answers[trip].set_result(self.trips[trip])
        await turns()

    @property
    def batched(self) -> float | None:
        return self.metrics.registry.get_sample_value("webhook_redis_batched_total")


async def turns() -> None:
    """Let the loop run all that can run: no task here waits for more than a few others."""
    for _ in range(10):
        await asyncio.sleep(0)


async def answers(tasks: Sequence[asyncio.Task[object]]) -> list[object]:
    async with asyncio.timeout(WITHIN_S):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_those_that_come_meanwhile_are_the_next_round_trip() -> None:
    server = Asked()
    tasks = await server.ask(*"abcdefgh")
    assert (server.trips, server.together.waiting) == ([["a"]], 7)
    for trip in range(4):
        await server.answer(trip)
    assert server.trips == [["a"], ["b", "c", "d"], ["e", "f", "g"], ["h"]]
    assert await answers(tasks) == list("abcdefgh")
    assert (server.together.waiting, server.batched) == (0, 6)


async def test_one_at_a_time_waits_for_nobody() -> None:
    server = Asked()
    for number, key in enumerate("abc"):
        tasks = await server.ask(key)
        await server.answer(number)
        assert await answers(tasks) == [key]
    assert (server.trips, server.batched) == ([["a"], ["b"], ["c"]], 0)


async def test_a_key_s_error_is_its_own_and_a_round_trip_s_is_of_all() -> None:
    server = Asked()
    tasks = await server.ask(*"abcdef")
    await server.answer(0)
    refused, lost = ValueError("out of memory"), ConnectionError("lost")
    server.answers[1].set_result(["b", refused, "d"])
    await turns()
    server.answers[2].set_exception(lost)
    assert await answers(tasks) == ["a", "b", refused, "d", lost, lost]
    (last,) = await server.ask("g")
    await server.answer(3)
    assert await answers([last]) == ["g"], "the turn of the one that failed is over"


async def test_the_first_one_s_failure_lets_the_next_one_go() -> None:
    server = Asked()
    tasks = await server.ask(*"ab")
    server.answers[0].set_exception(OSError("refused"))
    await turns()
    await server.answer(1)
    first, second = await answers(tasks)
    assert isinstance(first, OSError)
    assert second == "b"


async def test_one_that_takes_long_delays_no_other() -> None:
    server = Asked(quick_s=0.001)
    first, second = await server.ask(*"ab")

    async def the_second_has_gone() -> bool:
        return len(server.trips) == 2

    assert await poll_async(the_second_has_gone, within_s=WITHIN_S)
    await server.answer(1)
    assert await answers([second]) == ["b"]
    assert not first.done()
    await server.answer(0)
    assert await answers([first]) == ["a"]


async def test_who_gives_up_is_not_asked_for() -> None:
    server = Asked()
    first, second, third = await server.ask(*"abc")
    second.cancel()
    await turns()
    await server.answer(0)
    await server.answer(1)
    assert server.trips == [["a"], ["c"]]
    assert await answers([first, third]) == ["a", "c"]


async def test_who_gives_up_on_the_way_leaves_the_answer_to_the_others() -> None:
    server = Asked()
    tasks = await server.ask(*"abc")
    await server.answer(0)
    tasks[1].cancel()
    await turns()
    await server.answer(1)
    assert (server.trips, await answers([tasks[0], tasks[2]])) == ([["a"], ["b", "c"]], ["a", "c"])


async def test_a_pipeline_that_nobody_waits_for_any_more_is_given_up() -> None:
    server = Asked(limit_s=0.001)
    tasks = await server.ask(*"abc")
    await server.answer(0)
    _, *late = await answers(tasks)
    assert [type(each) for each in late] == [TimeoutError, TimeoutError]
    assert server.answers[1].cancelled()


@pytest.mark.parametrize("answered", [True, False])
async def test_the_end_gives_up_what_is_under_way(*, answered: bool) -> None:
    server = Asked()
    tasks = await server.ask(*"ab")
    await server.answer(0)
    if answered:
        await server.answer(1)
    async with asyncio.timeout(WITHIN_S):
        await server.together.close()
    assert server.answers[1].cancelled() is not answered
    tasks[1].cancel()
