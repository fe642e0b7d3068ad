"""A service's part of an HTTP server: its address, and the calls that came since it began."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

import httpx

from harness.protocols.contract.access import ADMIN_TIMEOUT_S
from harness.protocols.contract.probes import NotUnderstoodError, Probe, Said
from harness.protocols.contract.storage import Storage
from harness.protocols.http.probes import CallsProbe
from harness.protocols.http.server import HttpServer
from harness.protocols.tcp.storage import Way, WayThere

__all__ = ["STORAGE"]

REQUEST: Final = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*)(?:\s+(?P<body>.+))?", re.DOTALL)
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class HttpWay(Way):
    """See `Own`. `since`: the mark of the stub's log at which this service began."""

    in_tls: ClassVar[str] = "https"
    server: HttpServer
    since: int = 0

    def probe(self) -> Probe:
        """Return a probe that counts connections, and lists calls."""
        return CallsProbe(self.server, self.since)

    async def execute(self, text: str) -> Said:
        """Send a request: `POST /reset`, or with a body `POST /limits {"most": 5}`. A 2xx is an effect."""
        request = REQUEST.fullmatch(text)
        if request is None:
            raise NotUnderstoodError(f"not a method and a path, with or without a body behind them: {text!r}")
        async with httpx.AsyncClient(timeout=ADMIN_TIMEOUT_S, trust_env=False) as client:
            url = self.admin_url.rstrip("/") + request["path"]
            answer = await client.request(request["method"], url, content=request["body"])
        return Said(f"{answer.status_code} {answer.text[:SHOWN]}".rstrip(), effective=answer.is_success)


class HttpWayThere(WayThere[HttpServer]):
    """See `Storage`."""

    def way(self, server: HttpServer) -> Way:
        """Return the address, for the calls from now on."""
        return HttpWay(server.url, server.port, server, 0 if server.log is None else server.log.size())


STORAGE: Final[Storage[HttpServer]] = HttpWayThere()
