"""A stub for a server that a service calls: a process that returns the answers that the target describes.

It runs in a bare interpreter and reads its answers from a JSON file. It reports each complete request as a line of JSON
on standard output before it answers: a request without a line has not arrived.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import h11

from harness.protocols.tcp.stub import READ_BYTES, serve, tell

BODILESS: Final = (204, 304)
UNKNOWN: Final = "no answer is described for {request}: add [[servers.NAME.answers]] with request = {request!r}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, to every request whose method and path begin with `request`.

    `chunks`: the body in chunks; without them it is sent as a whole, with its length.
    """

    request: str
    status: int
    headers: Mapping[str, str]
    body: str
    chunks: Sequence[str]

    @property
    def parts(self) -> Sequence[bytes]:
        """The body's bytes on the wire."""
        return [part.encode() for part in self.chunks or [self.body] if part]


@dataclass(frozen=True, slots=True)
class Stub:
    """Serves connections. `answers`: the first one that fits is sent."""

    answers: Sequence[Answer]

    async def talk(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after the other."""
        talk = _Talk(self, number, reader, writer)
        try:
            while await talk.exchange():
                pass
        except h11.RemoteProtocolError as problem:
            tell(connection=number, problem=str(problem))

    def answer_to(self, request: str) -> Answer:
        """Return the first answer that fits, or 404."""
        for answer in self.answers:
            if request.lower().startswith(answer.request.lower()):
                return answer
        return Answer(request, HTTPStatus.NOT_FOUND, {}, UNKNOWN.format(request=request), ())


class _Talk:
    """One client's connection."""

    def __init__(self, stub: Stub, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._stub = stub
        self._number = number
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)

    async def exchange(self) -> bool:
        """Answer one request; return whether another may follow."""
        event = await self._next()
        if not isinstance(event, h11.Request):
            return False
        body = bytearray()
        while isinstance(part := await self._next(), h11.Data):
            body += part.data
        request = f"{event.method.decode()} {event.target.decode('latin-1')}"
        answer = self._stub.answer_to(request)
        tell(connection=self._number, request=request, body=body.decode(errors="replace"), status=answer.status)
        await self._answer(answer, bodiless=event.method == b"HEAD" or answer.status in BODILESS)
        if self._http.our_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    async def _next(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._writer.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            self._http.receive_data(await self._reader.read(READ_BYTES))
        return event

    async def _answer(self, answer: Answer, *, bodiless: bool) -> None:
        length = str(sum(map(len, answer.parts)))
        framing = ("Transfer-Encoding", "chunked") if answer.chunks else ("Content-Length", length)
        headers = [*answer.headers.items(), *([framing] if answer.status not in BODILESS else [])]
        events = [
            h11.Response(status_code=answer.status, headers=headers, reason=_reason(answer.status)),
            *map(h11.Data, () if bodiless else answer.parts),
            h11.EndOfMessage(),
        ]
        self._writer.write(b"".join(self._http.send(event) or b"" for event in events))
        await self._writer.drain()


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:  # a status that is not registered (RFC 9110, section 16.2)
        return b""


def main(arguments: Sequence[str]) -> int:
    """Serve the answers in the file `arguments[0]` on the port `arguments[1]`."""
    answers = json.loads(Path(arguments[0]).read_text("utf-8"))
    return serve(int(arguments[1]), Stub([Answer(**each) for each in answers]).talk)
