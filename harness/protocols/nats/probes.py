"""What a NATS server reports about one service: its connections, and its unsettled messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

from harness.errors import HarnessError
from harness.protocols.nats.asking import Asking, NatsError, asking
from harness.protocols.tcp.probes import ConnectionsProbe

__all__ = ["NatsProbe", "streams"]


class NatsProbe(ConnectionsProbe):
    """See `Probe`. A session is opened for each question, because there are few."""

    errors: ClassVar[tuple[type[Exception], ...]] = (NatsError, OSError, HarnessError)

    def __init__(self, admin_url: str, port: int) -> None:
        super().__init__(port)
        self._url = admin_url

    async def unsettled(self) -> int:
        """Count the messages that the account's consumers have not got, and those that they have not acknowledged."""
        async with asking(self._url) as own:
            listed = [json.loads(await own.ask(f"$JS.API.CONSUMER.LIST.{name}")) for name in await streams(own)]
        consumers = [each for found in listed for each in found.get("consumers") or ()]
        return sum(each["num_pending"] + each["num_ack_pending"] for each in consumers)


async def streams(own: Asking) -> Sequence[str]:
    """The names of an account's streams; none if it has no JetStream."""
    return json.loads(await own.ask("$JS.API.STREAM.NAMES")).get("streams") or ()
