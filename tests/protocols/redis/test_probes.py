"""What Redis is asked about one service's keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from harness.protocols.contract.storage import Share
from harness.protocols.redis import probes
from harness.protocols.redis.server import RedisServer
from harness.protocols.redis.storage import STORAGE
from tests.protocols.redis.test_server import client_of


def test_keys_that_last_and_keys_of_others_are_counted_page_by_page(redis: RedisServer) -> None:
    more_than_a_page = probes.KEYS_AT_ONCE + 7
    with client_of(redis, 5) as client, client.pipeline(transaction=False) as pipeline:
        for number in range(more_than_a_page):
            pipeline.set(f"own:{number}", "1")
            pipeline.set(f"own:passing:{number}", "1", ex=600)
        pipeline.set("other:1", "1")
        pipeline.execute()
    probe = probes.RedisProbe(redis.url(db=5), 5, "own:")

    found = asyncio.run(probe.residue())

    assert found == {
        "keys without expiry": more_than_a_page, "keys of another lifetime": 0, "keys without the prefix": 1,
    }  # fmt: skip


def test_in_a_database_of_its_own_every_key_is_the_services_whatever_its_prefix(redis: RedisServer) -> None:
    """A service that was not told a prefix has one of its own: none of its keys was looked at."""
    with client_of(redis, 7) as client:
        client.set("cache:1", "1")
        client.set("cache:2", "1", ex=7200)
        client.set("redis_7:3", "1", ex=60)

    async def residue(*, alone: bool) -> Mapping[str, int]:
        share = Share(link="redis", number=7, alone=alone, remembers_s=90.0)
        async with STORAGE.own(redis, share) as keys:
            return await keys.probe().residue()

    shared = asyncio.run(residue(alone=False))
    whole = asyncio.run(residue(alone=True))
    assert (shared["keys without expiry"], shared["keys of another lifetime"]) == (0, 0)
    assert (whole["keys without expiry"], whole["keys of another lifetime"]) == (1, 1)


def test_keys_that_live_longer_or_much_less_than_they_should_are_counted(redis: RedisServer) -> None:
    with client_of(redis, 6) as client:
        for number, seconds in enumerate((3600, 3100, 3660, 2990, 60)):
            client.set(f"own:{number}", "1", ex=seconds)
        client.set("other:1", "1", ex=5)
        client.set("own:for_ever", "1")
    probe = probes.RedisProbe(redis.url(db=6), 6, "own:", remembers_s=3600.0)

    assert asyncio.run(probe.residue())["keys of another lifetime"] == 3
