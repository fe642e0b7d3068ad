"""What is sent again, how often and how soon. Standing checks such as `retries_capped` judge it."""

import pytest

from harness import REFUSED, UNKNOWN, Lab, postgres, proves, redis, service, wire
from scenarios.night import at_night
from scenarios.words import UNHANDLED

NO_REFUSAL = proves("errors.refuse", fails="log_clean", match=UNHANDLED)


@pytest.mark.parametrize("code", ["23514", "42501", *at_night("another class of the same errors", "22P02", "54000")])
@proves(under="incident", fails="final_errors_end_it", match="sent again after [0-9A-Z]{5}")
async def test_final_error_is_not_tried_again(lab: Lab, code: str) -> None:
    """The INSERT gets an error that a retry would get again. The service refuses at once."""
    async with lab.inject(wire.fail(postgres.sent("INSERT"), code=code, always=True)):
        await lab.deliver(expect=REFUSED)


@pytest.mark.parametrize("code", ["57014", "53100"])
@proves(under="incident", fails="figure", match="sends_per_request")
async def test_busy_server_is_not_pressed(lab: Lab, code: str) -> None:
    """The INSERT takes too long, or the disk is full. The service refuses at once: retries would make it worse."""
    async with lab.inject(wire.fail(postgres.sent("INSERT"), code=code, always=True)):
        await lab.deliver(expect=REFUSED)
    lab.expect(postgres.sends_per_request, at_most=1)


@NO_REFUSAL
async def test_final_error_while_a_commit_is_in_doubt(lab: Lab) -> None:
    """A COMMIT's answer is lost, then the right to INSERT. The doubt stays, and asking again is in vain."""
    async with lab.inject(
        wire.cut(postgres.answered("COMMIT")),
        wire.fail(postgres.sent("INSERT", nth=2), code="42501"),
    ):
        await lab.deliver(expect=UNKNOWN)


@NO_REFUSAL
async def test_no_commit_is_ever_answered(lab: Lab) -> None:
    """Each COMMIT takes its connection with it. The service asks a limited number of times, with pauses."""
    async with lab.inject(wire.cut(postgres.answered("COMMIT"), always=True)):
        await lab.deliver(4, expect=UNKNOWN)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}DeadlockDetectedError")
async def test_retries_of_an_outage_are_spaced(lab: Lab) -> None:
    """Every INSERT is turned back, one request after the other. Each request waits before it retries."""
    async with (
        lab.inject(wire.fail(postgres.sent("INSERT"), code="40P01", always=True)),
        lab.traffic(clients=1, expect=REFUSED),
    ):
        await lab.until(service.answers(at_least=25))
    lab.expect(service.lines('"event": "refused".*"attempt": 3,'), at_least=1)


@proves("redis.one_attempt", fails="retries_capped", match="on redis .* was sent 2 times")
async def test_redis_that_hangs_up_is_asked_once(lab: Lab) -> None:
    """Redis closes each connection on which it is asked. The delivery goes on without it, and does not ask again."""
    async with lab.inject(wire.cut(redis.sent("SET"), always=True)):
        await lab.deliver()
