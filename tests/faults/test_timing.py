"""A fault that waits for its moment: whatever becomes of it, its task is ended, and the fault is undone."""

from __future__ import annotations

import asyncio

import pytest

from harness.faults.fault import Injection
from harness.faults.messages.timing import Armed


class Recorded(Injection):
    """Writes down what is done to it. `going`: set while it acts; it goes on until `let_go`."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.going = asyncio.Event()
        self.let_go = asyncio.Event()

    async def act(self) -> None:
        self.going.set()
        await self.let_go.wait()
        self.done.append("acted")

    async def heal(self) -> None:
        self.done.append("healed")


class When:
    """A moment that comes at once, or never. `breaks`: letting go what was held fails."""

    def __init__(self, *, comes: bool, breaks: bool = False) -> None:
        self._comes = comes
        self._breaks = breaks

    async def begin(self) -> None:
        """Nothing has to be prepared."""

    async def come(self) -> None:
        if not self._comes:
            await asyncio.Event().wait()

    async def acted(self) -> None:
        if self._breaks:
            raise ConnectionError("the relay is gone")

    async def instead(self) -> str:
        return ""


def others() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_a_moment_that_never_came_leaves_no_task() -> None:
    async def play() -> list[str]:
        fault = Recorded()
        armed = Armed(When(comes=False), fault)
        await armed.act()
        await armed.heal()
        assert others() == set()
        return fault.done

    assert asyncio.run(play()) == ["healed"]


def test_a_heal_that_is_cancelled_while_the_fault_acts_can_be_repeated() -> None:
    async def play() -> list[str]:
        fault = Recorded()
        armed = Armed(When(comes=True), fault)
        await armed.act()
        await fault.going.wait()
        healing = asyncio.create_task(armed.heal())
        await asyncio.sleep(0)  # it waits for the fault
        healing.cancel()
        await asyncio.wait([healing])
        again = asyncio.create_task(armed.heal())
        await asyncio.sleep(0)
        fault.let_go.set()
        await again
        assert others() == set()
        return fault.done

    assert asyncio.run(play()) == ["acted", "healed"], "it is undone only when it has acted to its end"


def test_a_fault_is_undone_even_if_what_it_held_cannot_be_let_go() -> None:
    async def play() -> list[str]:
        fault = Recorded()
        armed = Armed(When(comes=False, breaks=True), fault)
        await armed.act()
        with pytest.raises(ConnectionError, match="the relay is gone"):
            await armed.heal()
        return fault.done

    assert asyncio.run(play()) == ["healed"]


def test_what_broke_the_fault_is_raised_when_it_is_healed() -> None:
    class Breaks(Recorded):
        async def act(self) -> None:
            raise RuntimeError("it cannot act")

    async def play() -> list[str]:
        fault = Breaks()
        armed = Armed(When(comes=True), fault)
        await armed.act()
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="it cannot act"):
            await armed.heal()
        await armed.heal()
        return fault.done

    assert asyncio.run(play()) == ["healed", "healed"]
