"""What is known about a service at an HTTP stub: its connections, and the calls for each delivery."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from harness.protocols.http.server import HttpServer
from harness.protocols.tcp.probes import ConnectionsProbe
from harness.vocabulary.ids import id_of

__all__ = ["CallsProbe"]

AN_ERROR: Final = 400


class CallsProbe(ConnectionsProbe):
    """See `Probe`. `since`: a mark of the stub's log; earlier calls are those of other services."""

    def __init__(self, server: HttpServer, since: int) -> None:
        super().__init__(server.port)
        self._server = server
        self._since = since

    async def rows(self, query: str, ids: Sequence[str] | None) -> Sequence[tuple[str, str, int]]:
        """Find deliveries in the calls that were not answered with an error; `query` is an expression."""
        calls = await asyncio.to_thread(self._server.received, self._since)
        texts = (f"{call.request} {call.body}" for call in calls if call.status < AN_ERROR)
        matches = (re.search(query, text) for text in texts)
        found = Counter(id_of(match["id"]) for match in matches if match is not None)
        return [(name, "", count) for name, count in found.items() if ids is None or name in ids]
