"""A replica of a Redis that the harness started: whether it has everything that its primary has."""

from __future__ import annotations

from typing import Final

from harness.errors import HarnessError
from harness.polling import poll_async
from harness.protocols.redis.probes import client
from harness.protocols.redis.server import RedisServer

__all__ = ["in_step"]

IN_STEP_WITHIN_S: Final = 30.0
"""Far more than a replica needs for the harness's small databases."""


async def in_step(primary: RedisServer, replica: RedisServer) -> None:
    """Wait until the replica has everything that its primary has. Raises HarnessError."""
    async with client(primary.url()) as first, client(replica.url()) as second:

        async def has_all() -> bool:
            had = (await first.info("replication"))["master_repl_offset"]
            seen = await second.info("replication")
            return seen.get("master_link_status") == "up" and seen["slave_repl_offset"] >= had

        if not await poll_async(has_all, within_s=IN_STEP_WITHIN_S):
            problem = f"the replica on port {replica.port} is not in step after {IN_STEP_WITHIN_S:g} s"
            raise HarnessError(problem, hint="see its log for the reason")
