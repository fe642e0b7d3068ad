"""What is sent is unlike the usual: each variant of a request is answered as approved."""

from harness import Lab, link, nightly, proves, redis

NEEDS_NO_REDIS = proves("redis.fail_open", fails="answers_as_approved", match="was answered '503")


@NEEDS_NO_REDIS
async def test_every_variant_is_answered_as_approved(lab: Lab) -> None:
    """Hundreds of requests, each with one thing unlike: answered and stored as approved, without Redis, too."""
    async with lab.inject(link.down(redis)):
        await lab.variants()
        await lab.deliver(3)


@nightly("another 2.4 s of CPU for the same answers: `harness answers` writes them with Redis there")
@NEEDS_NO_REDIS
async def test_variants_with_redis_and_without(lab: Lab) -> None:
    """The answers are the same ones with Redis and without."""
    await lab.variants()
    async with lab.inject(link.down(redis)):
        await lab.variants()
        await lab.deliver(3)
