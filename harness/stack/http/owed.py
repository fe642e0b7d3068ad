"""What a service owes on a connection after its answer: an orderly end, or an answer to the next request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from harness.polling import poll
from harness.stack.http.connection import TAKEN_WITHIN_S, Connection
from harness.stack.http.exchange import BrokenOffError, Request, Response, Then

CLOSES_WITHIN_S = 3.0
"""A service that is asked to end the connection must do so within this time. Most end an idle one after five seconds
anyway."""

AN_END = "the end of the connection"
A_WORD_OF_THE_END = "connection: close"
AN_ORDERLY_END = "an end of the connection in order: it was reset"
ROOM_FOR_THE_REST = "taking in what the client sends on"
AN_ANSWER_TO_THE_NEXT = "an answer to the next request on the connection"
AN_ANSWER_AHEAD = "a good answer to each request ahead of it on the connection"
WAITED_FOR_S = {AN_END: CLOSES_WITHIN_S, ROOM_FOR_THE_REST: TAKEN_WITHIN_S, AN_ANSWER_TO_THE_NEXT: TAKEN_WITHIN_S}
"""How long the client waited for each of these before it counted as missing."""


async def lacking(connection: Connection, outgoing: Request, answer: Response) -> Sequence[str]:
    """Do the client's remaining work after this answer, and return what the service then owed but did not do."""
    if connection.refused_ahead:
        return (f"{AN_ANSWER_AHEAD}: status {connection.refused_ahead[0]}",)
    if outgoing.then is not None and outgoing.then.stays:
        return ()
    if outgoing.then is not None and (outgoing.then.rest or outgoing.then.on_bytes or outgoing.then.next_path):
        return await _going_on(connection, outgoing, outgoing.then, answer)
    if outgoing.sent_bytes is not None and not answer.says_close:
        return (A_WORD_OF_THE_END,)  # the rest would pass for a next request
    return await _without_end(connection) if outgoing.asks_to_close or outgoing.sent_bytes is not None else ()


async def _without_end(connection: Connection) -> Sequence[str]:
    await asyncio.wait([connection.lost], timeout=CLOSES_WITHIN_S)
    if not connection.lost.done():
        return (AN_END,)
    return (AN_ORDERLY_END,) if connection.is_reset else ()


async def _going_on(connection: Connection, outgoing: Request, then: Then, answer: Response) -> Sequence[str]:
    if then.on_bytes:
        await connection.send_on(then.on_bytes, in_chunks=outgoing.is_chunked)
        return () if connection.lost.done() or connection.is_reset else (AN_END,)
    if then.rest:
        await connection.send_rest()
        if not await poll(lambda: connection.is_taken_in, within_s=TAKEN_WITHIN_S):
            return (ROOM_FOR_THE_REST,)
    if connection.is_reset:
        return (AN_ORDERLY_END,)
    if then.next_path and connection.reusable:
        return await _without_next(connection, then)
    return (A_WORD_OF_THE_END,) if then.next_path and not answer.says_close else ()


async def _without_next(connection: Connection, then: Then) -> Sequence[str]:
    """Continue with another request or bytes. The service had not said that the last answer ends the connection."""
    try:
        async with asyncio.timeout(TAKEN_WITHIN_S):
            answer = await connection.ask(then.next_path, nonsense=then.nonsense)
    except TimeoutError:
        return (AN_ANSWER_TO_THE_NEXT,)
    except BrokenOffError:
        return (AN_ORDERLY_END,) if connection.is_reset else (A_WORD_OF_THE_END,)
    right = 400 <= answer.status < 500 if then.nonsense else answer.is_success
    return () if right else (f"{AN_ANSWER_TO_THE_NEXT}: status {answer.status}",)
