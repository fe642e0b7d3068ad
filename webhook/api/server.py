"""uvicorn's server: logs its port, and drains on SIGTERM."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Generator
from types import FrameType

from uvicorn.config import Config
from uvicorn.server import Server

from webhook.logs import Log

BACKLOG = 2048
"""How many connections may wait to be accepted. asyncio listens again with uvicorn's number."""

LAST_ANSWERS_S = 1.0
"""The time for requests that are cancelled because the time to drain is over. None of them waits for anything else."""


class DrainingServer(Server):
    """Ends with status 0 when all accepted requests are answered.

    uvicorn's own server raises the signal again, which kills it.
    """

    def __init__(self, config: Config, log: Log, *, drain: bool) -> None:
        super().__init__(config)
        self._log = log
        self._signals = (signal.SIGINT, signal.SIGTERM) if drain else (signal.SIGINT,)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and log the address."""
        await super().startup(sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            self._log.info("listening", host=host, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, and finish the accepted requests.

        A request that takes too long is cancelled, and still answered.
        """
        self._log.info("draining", connections=len(self.server_state.connections))
        await super().shutdown(sockets)
        if self.server_state.tasks and not self.force_exit:
            await asyncio.wait(list(self.server_state.tasks), timeout=LAST_ANSWERS_S)
        self._log.info("drained")

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Handle the signals as long as the server runs."""
        before = {number: signal.signal(number, self.handle_exit) for number in self._signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain; a second SIGINT does not wait for it."""
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Bind; port 0 takes a free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, where socket.create_server leaves 0: asyncio turns Nagle's algorithm off for TCP by name
    # only, and an answer in two writes then waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # A port left in TIME_WAIT may be taken again; on Windows the option would let two listen at once.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
