"""The network itself: lines that go dead, connects that hang, packets that get lost."""

import pytest

from harness import (
    ANY_OUTCOME,
    REFUSED,
    UNKNOWN,
    Fault,
    Lab,
    Message,
    link,
    nightly,
    postgres,
    proves,
    redis,
    service,
    syscall,
)
from scenarios.night import at_night
from scenarios.words import REFUSED_CONNECT, UNHANDLED, WAITS_FOR_POSTGRES, WAITS_FOR_REDIS

NOTICED_S = 4.5
"""A dead line is tried after two seconds and then each second. The kernel's timers have a second to be late."""
ALL_DEADLINES = ("deadline.statement", "deadline.request")
"""Each of these deadlines would end the waiting, too."""
ALIKE = nightly("differs from the first by the error only")
NOT_REACHED = r"OSError: \[Errno (101|113)\]|PermissionError: \[Errno 1\]"
NO_ANSWER = r"unknown, no answer in 6\.5 s"


@pytest.mark.parametrize(
    "at", [postgres.answered("INSERT"), *at_night("the same at another message", postgres.sent("COMMIT"))]
)
@proves("deadline.statement:eager", fails="figure", match="webhook_retries_total")
async def test_line_dead_for_a_moment(lab: Lab, at: Message) -> None:
    """The line is dead from one message on, and comes back. TCP's second try arrives, and no retry is spent."""
    dead = link.dead(postgres, at=at)
    await lab.inject(dead)
    async with lab.deliver():
        await lab.until(dead.fired())
        await lab.wait(0.45, because="TCP sends again after 0.2 s, in vain, and after 0.4 s more")
        await lab.heal(dead)
    lab.expect(service.metric("webhook_retries_total"), at_most=0)


@nightly("waits for a deadline of a request")
@proves("deadline.statement", "deadline.request", fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_line_dead_before_the_commit(lab: Lab) -> None:
    """The line dies before the COMMIT arrives. The client learns in time that its delivery may be stored or not."""
    async with lab.inject(link.dead(postgres, at=postgres.answered("INSERT"))):
        await lab.deliver(expect=REFUSED | UNKNOWN)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_one_line_dead_at_the_commit(lab: Lab) -> None:
    """One connection's line dies after its COMMIT has passed. Over another one the service learns that it is stored."""
    async with lab.inject(link.dead(postgres, at=postgres.sent("COMMIT"), one=True)):
        await lab.deliver()


@nightly("waits for two connects that hang")
@proves("deadline.connect", without=("deadline.request",), fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_connects_hang(lab: Lab) -> None:
    """The pool is empty, and SYNs get lost. No connect outlasts its limit, and the delivery is refused."""
    async with lab.inject(link.cut(postgres), link.swallow_syn(postgres)):
        await lab.deliver(expect=REFUSED)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_packets_lost(lab: Lab) -> None:
    """A tenth of PostgreSQL's packets get lost, and four tenths of Redis'. Deliveries are late, but acknowledged."""
    async with lab.inject(link.lose(postgres, percent=10)):
        await lab.deliver(5)  # of which each asks PostgreSQL, whatever becomes of Redis
        async with lab.inject(link.lose(redis, percent=40)):
            await lab.deliver(10)


@proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")
async def test_redis_is_far_away(lab: Lab) -> None:
    """Redis is gone for two deliveries, and then far away. Connecting fits into the time limit of one use of it."""
    await lab.restart("WEBHOOK_BREAKER_FAILURES=100", "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=0.5")
    async with lab.inject(link.down(redis)):
        await lab.deliver(2)
    async with lab.inject(link.latency(redis, latency_ms=200)):
        await lab.deliver(6)  # none of which waits for another's turn to ask
        for _ in range(2):
            await lab.deliver()
    lab.expect(service.lines('"event": "redis_failed"'), at_most=4)


@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_line_to_redis_dead(lab: Lab) -> None:
    """No packet of Redis' arrives, and no connect succeeds. No delivery waits for it."""
    async with lab.inject(link.dead(redis)):
        await lab.deliver(5, slower_ms_max=500)


@nightly("waits until the firewall has forgotten")
@proves("pool.keepalive", fails="slower", match=WAITS_FOR_POSTGRES)
async def test_idle_connections_forgotten(lab: Lab) -> None:
    """A firewall forgets idle connections to PostgreSQL. The service notices before a delivery needs one."""
    async with lab.inject(link.forget_idle(postgres, idle_s=0.5)):
        await lab.wait(NOTICED_S, because="idle connections are forgotten, and given up after three seconds")
        await lab.deliver(5, slower_ms_max=1_000)


@proves("redis.timeouts", fails="slower", match=WAITS_FOR_REDIS)
async def test_redis_has_forgotten_its_connections(lab: Lab) -> None:
    """Redis has forgotten the idle connections, and says nothing. A request that gets one does not wait for it."""
    async with lab.inject(link.half_open(redis)):
        await lab.deliver(5, slower_ms_max=500)


@nightly("waits until keepalive has found it")
@proves("pool.keepalive", without=ALL_DEADLINES, fails="in_time", match=NO_ANSWER)
@proves("deadline.statement", without=("pool.keepalive", "deadline.request"), fails="in_time", match=NO_ANSWER)
async def test_forgotten_while_an_answer_is_due(lab: Lab) -> None:
    """PostgreSQL forgets the connection that waits for an answer. It is given up, and another one stores."""
    await lab.inject(link.half_open(postgres, at=postgres.sent("INSERT"), one=True))
    await lab.deliver()


@pytest.mark.parametrize(
    "fault",
    [
        link.unreachable(postgres, why="prohibited"),
        pytest.param(link.unreachable(postgres, why="net"), marks=ALIKE),
        pytest.param(syscall.connect(postgres, errno="EPERM"), marks=ALIKE),
    ],
)
@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}({NOT_REACHED})")
async def test_postgres_unreachable(lab: Lab, fault: Fault) -> None:
    """A router, or this machine's firewall, reports PostgreSQL as unreachable. Deliveries are refused, not hung."""
    async with lab.inject(link.cut(postgres), fault):
        await lab.deliver(5, expect=REFUSED)


@nightly("waits for a deadline of a request")
@proves("deadline.statement", "deadline.request", without=("pool.keepalive",), fails="in_time", match=NO_ANSWER)
async def test_unreachable_while_an_answer_is_due(lab: Lab) -> None:
    """The way to PostgreSQL breaks before the COMMIT. No router's report ends an open connection: a deadline has to."""
    async with lab.inject(link.unreachable(postgres, at=postgres.answered("INSERT"))):
        await lab.deliver(expect=REFUSED | UNKNOWN)


@nightly("waits for deadlines of statements and of a request")
@proves("deadline.statement", "deadline.request", without=("pool.keepalive",), fails="in_time", match=NO_ANSWER)
async def test_large_packets_lost(lab: Lab) -> None:
    """On the way to PostgreSQL large packets get lost: small deliveries are stored, and no large one waits for ever."""
    async with lab.inject(link.mtu_hole(postgres, mtu_bytes=1_400)):
        await lab.deliver(5, expect=ANY_OUTCOME)


@nightly("a line that goes once tests most of it")
@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}({REFUSED_CONNECT})")
async def test_line_flaps(lab: Lab) -> None:
    """The line goes and comes, again and again: each time deliveries are stored as soon as it is back."""
    await lab.deliver(5)
    for _ in range(3):
        async with lab.inject(link.down(postgres)):
            await lab.deliver(2, expect=REFUSED)
        await lab.deliver(5)
