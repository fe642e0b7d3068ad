"""A server that a service calls over HTTP: a stub that the harness starts, or the user's own by URL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from harness.errors import HarnessError
from harness.protocols.contract.server import ServerKind
from harness.protocols.http.options import HttpOptions
from harness.protocols.tcp.server import StubServer
from harness.stack.servers.server import Launch

__all__ = ["SERVER", "HttpServer", "Received"]

ANSWERS: Final = "answers.json"


@dataclass(frozen=True, slots=True)
class Received:
    """A request that the stub has received completely. `t_ns`: CLOCK_MONOTONIC."""

    t_ns: int
    connection: int
    request: str
    body: str
    status: int


class HttpServer(StubServer):
    """A server that speaks HTTP/1.1. Made by `start`, which starts the stub, or `at_url`."""

    protocol = "http"
    default_port = 80
    stub = "stub"

    @classmethod
    def start(cls, launch: Launch, program: str | None = None, options: HttpOptions | None = None) -> HttpServer:
        """Start the stub with the answers that the target describes. Raises HarnessError with the log's tail."""
        answers = (options or HttpOptions()).model_dump(mode="json")["answers"]
        (launch.folder / ANSWERS).write_text(json.dumps(answers), "utf-8")
        return cls.started(launch, program, ANSWERS)

    def received(self, since: int = 0) -> Sequence[Received]:
        """The requests that the stub has received since this mark of its log, in order.

        Raises HarnessError for a server that was given by URL.
        """
        if self.log is None:
            raise HarnessError(f"{self.name} was given by URL: its requests are unknown", hint="use the stub")
        told = (json.loads(line) for line in self.log.read(since).splitlines() if line.startswith("{"))
        return [Received(**line) for line in told if "request" in line]


SERVER: Final[ServerKind[str, HttpOptions]] = HttpServer
