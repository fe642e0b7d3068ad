"""The COMMIT, its answer, and what is lost between them."""

import pytest

from harness import REFUSED, UNKNOWN, Lab, Message, postgres, process, proves, redis, server, service, syscall, wire
from scenarios.night import at_night
from scenarios.words import UNHANDLED

STORED_TWICE = proves("insert.idempotent", fails="stored_once")
PASSES = ("55P03", "57014", "53100")
"""Errors of a busy server. The service refuses a new delivery for each, but asks again for one that may be stored."""

NEWEST_GOES = "DELETE FROM deliveries WHERE received_at = (SELECT max(received_at) FROM deliveries)"


@STORED_TWICE
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_applied_answer_lost(lab: Lab) -> None:
    """PostgreSQL commits, and its answer never arrives. The delivery is stored once, and acknowledged."""
    async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
        await lab.deliver()


@STORED_TWICE
async def test_commit_answer_lost_twice(lab: Lab) -> None:
    """The COMMIT's answer is lost, and so is the answer to the question about it. The service asks once more."""
    async with lab.inject(wire.cut(postgres.answered("COMMIT", nth=1)), wire.cut(postgres.answered("COMMIT", nth=2))):
        await lab.deliver()


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_postgres_is_busy_while_a_commit_is_in_doubt(lab: Lab) -> None:
    """A COMMIT's answer is lost. Asking meets a lock, a time-out or a full disk: the service asks until it knows."""
    for code in PASSES:
        busy = wire.fail(postgres.sent("INSERT", nth=2), code=code)
        async with lab.inject(wire.cut(postgres.answered("COMMIT")), busy):
            await lab.deliver()
            await lab.deliver()  # without the protection its INSERT is the second


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}SerializationError")
async def test_every_commit_turned_back(lab: Lab) -> None:
    """PostgreSQL says of every COMMIT that it did not happen. So the service knows, and refuses."""
    async with lab.inject(wire.fail(postgres.sent("COMMIT"), code="40001", always=True)):
        await lab.deliver(expect=REFUSED)


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_commit_answer_lost_then_silence(lab: Lab) -> None:
    """A COMMIT's answer is lost, the next is turned back, then PostgreSQL is silent: unknown, and not refused."""
    async with lab.inject(
        wire.stall(postgres.answered("COMMIT", nth=1)),
        wire.fail(postgres.sent("COMMIT", nth=2), code="40001"),
        wire.stall(postgres.sent("INSERT", nth=3)),
        wire.stall(postgres.sent("INSERT", nth=4)),  # at which the request's time is over
    ):
        await lab.deliver(expect=UNKNOWN)


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_of_unknown_end(lab: Lab) -> None:
    """PostgreSQL does not know what became of a COMMIT (40003). The service asks again, and does not refuse."""
    async with lab.inject(wire.fail(postgres.sent("COMMIT"), code="40003")):
        await lab.deliver()
    lab.expect(service.metric("webhook_commits_resolved_total"), at_least=1)
    lab.expect(service.metric("webhook_commits_resolved_total"), at_most=1)


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_session_ended_in_place_of_the_answer_to_a_commit(lab: Lab) -> None:
    """PostgreSQL commits, says that it shuts down, and cannot be asked any more: unknown, and not refused."""
    lost = wire.drop(postgres.answered("COMMIT"))
    async with lab.inject(
        lost,
        server.end_sessions(postgres, at=lost.fired()),
        wire.fail(postgres.sent("INSERT", nth=2), code="42501"),
    ):
        await lab.deliver(expect=UNKNOWN)


@pytest.mark.parametrize("after_bytes", [11, 17, *at_night("inside of the first message, or behind it", 1, 12)])
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_answer_cut_after_byte(lab: Lab, after_bytes: int) -> None:
    """The connection may break after any byte of the COMMIT's answer.

    CommandComplete `COMMIT` has 12 bytes, ReadyForQuery 6: cut inside the first, between them, inside the second.
    """
    async with lab.inject(wire.cut(postgres.answered("COMMIT"), after_bytes=after_bytes)):
        await lab.deliver()


@proves("commit.resolve", fails="outcome", match="unknown")
@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_commit_never_arrived(lab: Lab) -> None:
    """The connection breaks under the COMMIT, which PostgreSQL never sees. Another connection stores the delivery."""
    async with lab.inject(wire.cut(postgres.sent("COMMIT"))):
        await lab.deliver()


@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_cannot_be_sent(lab: Lab) -> None:
    """The kernel rejects a COMMIT (EPIPE) on a sound connection. Another connection stores the delivery."""
    async with lab.inject(syscall.send(postgres, errno="EPIPE", at=postgres.answered("INSERT"))):
        await lab.deliver()


@STORED_TWICE
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_answer_cannot_be_received(lab: Lab) -> None:
    """PostgreSQL has committed, and reading its answer fails (ECONNRESET): stored once, and acknowledged."""
    async with lab.inject(syscall.receive(postgres, errno="ECONNRESET", at=postgres.sent("COMMIT"))):
        await lab.deliver()


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(
            postgres.sent("COMMIT"), marks=proves("ack.after_commit", fails="outcome", match="acknowledged"), id="sent"
        ),
        pytest.param(postgres.answered("COMMIT"), marks=STORED_TWICE, id="answered"),
    ],
)
async def test_service_killed_around_commit(lab: Lab, at: Message) -> None:
    """SIGKILL while the COMMIT or its answer is on the wire. Nothing was promised; sent again, it is stored once."""
    async with lab.inject(process.kill(at=at)):
        await lab.deliver(expect=UNKNOWN)
        await lab.inject(server.flush(redis))  # PostgreSQL alone remembers


@proves("insert.idempotent", fails="stored_once")
async def test_row_goes_before_it_is_looked_up(lab: Lab) -> None:
    """Somebody deletes the row while a lost COMMIT is resolved. The service stores it anew, then acknowledges."""
    look_up = wire.hold(postgres.sent("SELECT", message="Bind"))  # it sees what is there when it is bound
    async with lab.inject(wire.cut(postgres.answered("COMMIT")), look_up), lab.deliver():
        await lab.until(look_up.fired())
        await lab.inject(server.execute(postgres, NEWEST_GOES))
        await lab.heal(look_up)
