"""What hundreds of requests leave behind: nothing that grows with them."""

from harness import ACKNOWLEDGED, REFUSED, Lab, link, nightly, postgres, proves, redis, service
from scenarios.words import UNHANDLED


@nightly("many_requests_without_a_server tests most of it")
@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_many_requests_without_redis(lab: Lab) -> None:
    """Hundreds of deliveries are stored while Redis is away. None of them leaves anything in memory."""
    async with lab.inject(link.down(redis)), lab.traffic(clients=4, small=True):
        await lab.until(service.answers(at_least=420), within_s=60)


@proves("errors.refuse", fails="log_clean", match=UNHANDLED)
async def test_many_requests_without_a_server(lab: Lab) -> None:
    """Hundreds of deliveries are refused while both servers are away. None of them leaves anything in memory."""
    async with lab.inject(link.down(redis), link.down(postgres)), lab.traffic(clients=4, expect=REFUSED, small=True):
        await lab.until(service.answers(at_least=420), within_s=60)


@nightly("sends twelve thousand requests")
@proves("redis.fail_open", fails="outcome", match="redis.exceptions")
async def test_twelve_thousand_requests(lab: Lab) -> None:
    """Twelve thousand requests are answered while Redis is away: the service neither ends after them nor grows."""
    async with lab.inject(link.down(redis)):
        for _ in range(6):
            await lab.request("after_two_thousand", of=None, expect=ACKNOWLEDGED)
