"""What orders does while PostgreSQL fails."""

# ruff: noqa: INP001  # a folder of scenarios is no package
from harness import REFUSED, Lab, link, no_fault, postgres, wire


async def test_healthy(lab: Lab) -> None:
    """Nothing is broken: every order is stored, once, also when it is sent twice."""
    await lab.inject(no_fault)
    await lab.deliver(5, copies=2)


async def test_insert_answer_lost(lab: Lab) -> None:
    """PostgreSQL stores the order, and its answer is lost."""
    async with lab.inject(wire.cut(postgres.answered("INSERT"))):
        await lab.deliver()


async def test_postgres_down(lab: Lab) -> None:
    """PostgreSQL cannot be reached: an order is refused, and the sender knows that it has to send it again."""
    async with lab.inject(link.down(postgres)):
        await lab.deliver(3, expect=REFUSED)
