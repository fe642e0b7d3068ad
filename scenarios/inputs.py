"""Requests that differ from the usual one. Each variant is answered as approved."""

from harness import Lab, link, nightly, proves, redis

NEEDS_NO_REDIS = proves("redis.fail_open", fails="answers_as_approved", match="was answered '503")


@NEEDS_NO_REDIS
async def test_every_variant_is_answered_as_approved(lab: Lab) -> None:
    """Hundreds of requests differ in one thing each. All are answered and stored as approved, also without Redis."""
    async with lab.inject(link.down(redis)):
        await lab.variants()
        await lab.deliver(3)


@nightly("another 2.4 s of CPU for the same answers: `harness answers` writes them with Redis there")
@NEEDS_NO_REDIS
async def test_variants_with_redis_and_without(lab: Lab) -> None:
    """The answers are the same with Redis and without."""
    await lab.variants()
    async with lab.inject(link.down(redis)):
        await lab.variants()
        await lab.deliver(3)
