"""Names: the servers are known by host names, which do not resolve, resolve late, or to another address than before."""

import pytest

from harness import REFUSED, Fault, Lab, link, names, nightly, postgres, process, proves, redis
from scenarios.words import CLOSED

BY_NAME = "DATABASE_URL={postgres.named_url}", "REDIS_URL={redis.named_url}"
NOT_FOUND = "Name or service not known|Temporary failure in name resolution"
NOT_IN_TIME = "was not looked up within"
POOL_AND_QUEUE = 30
"""So many deliveries can be stored at once. Each looks up the names of Redis and PostgreSQL."""


@pytest.mark.parametrize(
    "fault",
    [
        names.nxdomain(postgres),
        pytest.param(names.servfail(postgres), marks=nightly("differs from the one before by the error only")),
    ],
)
@proves("names.last_known", fails="outcome", match=NOT_FOUND)
async def test_name_does_not_resolve(lab: Lab, fault: Fault) -> None:
    """PostgreSQL's name stops resolving, and its connections are cut, twice. The service uses its last address."""
    await lab.restart(*BY_NAME)
    await lab.deliver()
    async with lab.inject(fault, link.cut(postgres)):
        await lab.deliver(5)
        await lab.inject(link.cut(postgres))
        await lab.deliver(5)


@proves("start.degraded", fails="alive", match=NOT_FOUND)
async def test_name_never_resolved(lab: Lab) -> None:
    """PostgreSQL's name does not resolve at the start. The service refuses, and stores once it does."""
    async with lab.inject(names.nxdomain(postgres)):
        await lab.restart(*BY_NAME)
        await lab.deliver(5, expect=REFUSED)


@pytest.mark.parametrize(
    "fault",
    [
        names.no_answer(postgres),
        pytest.param(names.slow(postgres, ms=4_000), marks=nightly("waits for answers that come after four seconds")),
    ],
)
@proves("names.bounded", fails="outcome", match="TimeoutError")
async def test_name_not_answered(lab: Lab, fault: Fault) -> None:
    """The name server is silent, and the connections are gone. The service does not wait for the whole look-up."""
    await lab.restart(*BY_NAME)
    await lab.deliver()
    async with lab.inject(fault, link.cut(postgres)):
        await lab.deliver(5)


@proves("names.bounded", fails="outcome", match="TimeoutError")
async def test_other_name_not_answered(lab: Lab) -> None:
    """Redis' name gets no answer. Look-ups that were given up do not keep PostgreSQL's from a thread."""
    await lab.restart(*BY_NAME)
    async with lab.inject(names.no_answer(redis)):
        await lab.deliver(POOL_AND_QUEUE)


@pytest.mark.parametrize("fault", [names.moved(postgres), names.dead_first(postgres)])
@proves("pool.pre_ping", without=("retry.database",), fails="outcome", match=CLOSED)
async def test_name_leads_elsewhere(lab: Lab, fault: Fault) -> None:
    """PostgreSQL's name gets another address, or a dead one before the right one: new connections find it."""
    await lab.restart(*BY_NAME)
    await lab.deliver()
    async with lab.inject(fault, link.cut(postgres)):
        await lab.deliver(5)


@proves("names.bounded", fails="ends_in_time", match=r"ended ([3-9]|\d\d)\.\d s")  # as long as the resolver takes
async def test_service_ends_while_a_name_is_looked_up(lab: Lab) -> None:
    """Redis' name gets no answer, and the service is asked to end. It does not wait for that look-up."""
    await lab.restart(*BY_NAME)
    async with lab.inject(names.no_answer(redis)):
        await lab.deliver()
        async with lab.inject(process.terminate()):
            await lab.deliver(expect=REFUSED)


@proves("names.last_known", fails="outcome", match=NOT_FOUND)
async def test_two_servers_of_one_name(lab: Lab) -> None:
    """One host has both servers, and its name stops resolving. The service seeks each at its own port."""
    on_one_host = "REDIS_URL=redis://{postgres.name}:{redis.port}/{redis.database}"
    await lab.restart(BY_NAME[0], on_one_host, "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=2", "WEBHOOK_REDIS_FAIL_OPEN=off")
    await lab.deliver()
    late = names.slow(postgres, ms=250)
    async with lab.inject(late, link.cut(postgres)), lab.deliver():
        await lab.until(late.fired())
        await lab.inject(link.cut(redis))
        await lab.deliver()  # it needs Redis while the other one waits for PostgreSQL's address
    async with lab.inject(names.nxdomain(postgres), link.cut(postgres), link.cut(redis)):
        await lab.deliver(3)


@proves("names.last_known", fails="outcome", match=NOT_IN_TIME)
async def test_look_ups_as_they_are_set(lab: Lab) -> None:
    """The service waits for a late answer as long as its settings say. An answer that never comes leaves no thread."""
    async with lab.inject(names.slow(postgres, ms=500)):
        await lab.restart(BY_NAME[0], "WEBHOOK_NAMES_TIMEOUT_S=0.9")
        await lab.deliver(2)
    await lab.restart(BY_NAME[0])
    await lab.deliver()
    async with lab.inject(names.no_answer(postgres)):
        for _ in range(7):
            await lab.inject(link.cut(postgres))
            await lab.deliver()
