"""The configuration of a Redis that the harness starts: `[servers.NAME]` of a target whose links speak it."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from harness.protocols.contract.options import ServerOptions

__all__ = ["OPTIONS", "RedisOptions"]


class RedisOptions(ServerOptions):
    """What a target can configure."""

    settings: dict[str, str] = Field(default={})
    """Lines of redis.conf, which override the harness's. By default a restart empties Redis. With `appendonly = "yes"`
    it keeps its keys over a restart and a crash."""


OPTIONS: Final[type[ServerOptions]] = RedisOptions
