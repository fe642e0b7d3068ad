"""An example of a fault says all that its scenario does, and in which order."""

from __future__ import annotations

import pytest

from harness import REFUSED, link, postgres, redis
from harness.faults.example import Example
from harness.scenario.schedule import Schedule
from harness.standard.example_moves import moves_of

DOWN, CUT = link.down(redis), link.cut(postgres)
AROUND = Example(DOWN, deliveries=5, copies=2, expect=REFUSED)
IN_FORCE = Example(DOWN, deliveries=0, restarted_with=("A=1",), restarts=True, idle_s=2.0, reads="status")
AFTER = Example(DOWN, met="after", deliveries=2, before=(CUT,), beside=(CUT,))
UNTIL_MET = Example(DOWN, met="until met", prepared=True)


@pytest.mark.parametrize(
    ("example", "lines"),
    [
        (AROUND, ["async with lab.inject(link.down(redis)):", "    await lab.deliver(5, copies=2, expect=REFUSED)"]),
        (
            IN_FORCE,
            [
                "await lab.restart('A=1')",
                "async with lab.inject(link.down(redis)):",
                "    await lab.restart()",
                "    await lab.wait(2.0, because='it strikes what is idle for so long')",
                "    await lab.request('status', expect=ACKNOWLEDGED)",
            ],
        ),
        (
            AFTER,
            ["await lab.inject(link.cut(postgres), link.down(redis), link.cut(postgres))", "await lab.deliver(2)"],
        ),
        (
            UNTIL_MET,
            [
                "await lab.deliver()",
                "await lab.inject(link.down(redis))",
                "async with lab.deliver():",
                "    await lab.until(link.down(redis).fired())",
                "    await lab.heal(link.down(redis))",
            ],
        ),
    ],
    ids=["around", "in force", "after", "until met"],
)
def test_the_steps_of_an_example(example: Example, lines: list[str]) -> None:
    moves = tuple(moves_of(example))
    schedule = Schedule(id="a", profile="hardened", without=(), seed=1, partial=False, moves=moves)
    assert schedule.to_python().splitlines() == lines
