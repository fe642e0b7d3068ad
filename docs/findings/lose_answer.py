"""A TCP proxy that loses one answer: of the next statement with the given text. Then it is transparent.

python3 lose_answer.py LISTEN_PORT SERVER_PORT TEXT [PASS]

PASS: answers that pass before it. 1, by default, is for drivers that have a statement prepared first (lib/pq), 0 for
those that send all of it at once (node-postgres).
"""

from __future__ import annotations

import asyncio
import sys


class Proxy:
    """Loses one answer in all, whatever the number of connections."""

    def __init__(self, server_port: int, text: bytes, passes: int) -> None:
        self._server_port, self._text, self._passes = server_port, text, passes
        self._lost = False

    async def serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Pass one connection on, both ways."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        seen = asyncio.Event()
        await asyncio.gather(
            self._sent(client, to_server, seen), self._answered(server, to_client, seen), return_exceptions=True
        )

    async def _sent(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, seen: asyncio.Event) -> None:
        while data := await client.read(65536):
            if self._text in data and not self._lost:
                seen.set()
            to_server.write(data)
        to_server.close()

    async def _answered(
        self, server: asyncio.StreamReader, to_client: asyncio.StreamWriter, seen: asyncio.Event
    ) -> None:
        passed = 0
        while data := await server.read(65536):
            if seen.is_set() and passed == self._passes and not self._lost:
                self._lost = True
                sys.stdout.write(f"lost the answer {data!r}\n")
                sys.stdout.flush()
                break
            if seen.is_set():
                passed += 1
            to_client.write(data)
        to_client.close()


async def main() -> None:
    """Serve until it is interrupted."""
    port, server_port, text, *passes = sys.argv[1:]
    proxy = Proxy(int(server_port), text.encode(), int(passes[0]) if passes else 1)
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
