"""A service's part of an HTTP server: its address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

import httpx

from harness.protocols.contract.access import ADMIN_TIMEOUT_S
from harness.protocols.contract.probes import NotUnderstoodError, Said
from harness.protocols.contract.storage import Storage
from harness.protocols.tcp.server import StubServer
from harness.protocols.tcp.storage import Way, WayThere

__all__ = ["STORAGE"]

REQUEST: Final = re.compile(r"(?P<method>[A-Z]+) (?P<path>/\S*)(?:\s+(?P<body>.+))?", re.DOTALL)
SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class HttpWay(Way):
    """See `Own`."""

    in_tls: ClassVar[str] = "https"

    async def execute(self, text: str) -> Said:
        """Send a request: `POST /reset`, or with a body `POST /limits {"most": 5}`. A 2xx is an effect."""
        request = REQUEST.fullmatch(text)
        if request is None:
            raise NotUnderstoodError(f"not a method and a path, with or without a body behind them: {text!r}")
        async with httpx.AsyncClient(timeout=ADMIN_TIMEOUT_S, trust_env=False) as client:
            url = self.admin_url.rstrip("/") + request["path"]
            answer = await client.request(request["method"], url, content=request["body"])
        return Said(f"{answer.status_code} {answer.text[:SHOWN]}".rstrip(), effective=answer.is_success)


class HttpWayThere(WayThere):
    """See `Storage`."""

    way: ClassVar[type[Way]] = HttpWay


STORAGE: Final[Storage[StubServer]] = HttpWayThere()
