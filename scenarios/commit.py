"""The COMMIT, its answer, and what is lost between them."""

import pytest

from harness import UNKNOWN, Lab, Message, postgres, process, proves, redis, server, wire

STORED_TWICE = proves("insert.idempotent", fails="stored_once")
IN_THE_ANSWER = (1, 11, 12, 17)
"""CommandComplete `COMMIT` has 12 bytes, ReadyForQuery 6: cut inside the first, between them, inside the second."""


@STORED_TWICE
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_applied_answer_lost(lab: Lab) -> None:
    """PostgreSQL commits, the answer never arrives: stored once, and acknowledged."""
    async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
        await lab.deliver()


@pytest.mark.parametrize("after_bytes", IN_THE_ANSWER)
@proves("commit.resolve", fails="outcome", match="unknown")
async def test_commit_answer_cut_after_byte(lab: Lab, after_bytes: int) -> None:
    """Any byte of the COMMIT's answer may be the last one to arrive."""
    async with lab.inject(wire.cut(postgres.answered("COMMIT"), after_bytes=after_bytes)):
        await lab.deliver()


@proves("commit.resolve", fails="outcome", match="unknown")
@proves("ack.after_commit", fails="acknowledged_is_stored")
async def test_commit_never_arrived(lab: Lab) -> None:
    """The connection breaks under the COMMIT, which PostgreSQL never sees: stored by another, and acknowledged."""
    async with lab.inject(wire.cut(postgres.sent("COMMIT"))):
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
    """SIGKILL with the COMMIT, or its answer, on the wire: nothing was promised, and sent again it is stored once."""
    async with lab.inject(process.kill(at=at)):
        await lab.deliver(expect=UNKNOWN)
        await lab.inject(server.flush(redis))  # PostgreSQL alone remembers
