"""What may happen to an order on its way: a lost statement, a lost answer, a Redis that is away or silent."""

from harness import Lab, link, postgres, redis, wire


async def test_insert_lost(lab: Lab) -> None:
    """The connection ends before PostgreSQL has the INSERT; the sender sends the order again."""
    async with lab.inject(wire.cut(postgres.sent("INSERT"))):
        await lab.deliver()


async def test_insert_answer_lost(lab: Lab) -> None:
    """PostgreSQL stores the order, and its answer is lost."""
    async with lab.inject(wire.cut(postgres.answered("INSERT"))):
        await lab.deliver()


async def test_redis_away(lab: Lab) -> None:
    """Redis is only there to know repeats: orders should be taken without it."""
    async with lab.inject(link.down(redis)):
        await lab.deliver(3)


async def test_redis_silent(lab: Lab) -> None:
    """Redis accepts connections and answers nothing: nobody should wait for it."""
    async with lab.inject(link.swallow(redis)):
        await lab.deliver()


async def test_idle_connections_cut(lab: Lab) -> None:
    """A firewall closes the pool's connections while they are idle."""
    await lab.until(postgres.idle(at_least=1))
    await lab.inject(link.cut(postgres))
    await lab.deliver(3)
