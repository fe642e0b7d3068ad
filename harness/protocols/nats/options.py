"""The configuration of a NATS server that the harness starts: `[servers.NAME]` of a target whose links speak it."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from harness.protocols.contract.options import ServerOptions

__all__ = ["OPTIONS", "NatsOptions"]


class NatsOptions(ServerOptions):
    """What a target can configure."""

    settings: dict[str, str] = Field(default={})
    """Lines of the server's configuration file, such as `max_payload = "1MB"`, after the harness's."""


OPTIONS: Final[type[ServerOptions]] = NatsOptions
