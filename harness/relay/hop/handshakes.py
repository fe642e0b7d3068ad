"""Troubles in a hop's TLS handshakes, and how often they struck."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

How: TypeAlias = Literal[
    "cut", "stall", "garbage", "declined", "cut_in_answer", "stall_in_answer", "garbled", "cut_at_finished",
    "expired", "other_name", "other_authority",
]  # fmt: skip
CERTIFICATES: Final[tuple[How, ...]] = ("expired", "other_name", "other_authority")
"""Troubles in which the relay presents another certificate."""
GARBAGE: Final = b"\x00\xff no TLS, and no alert either \r\n"

IN_ANSWER: Final[tuple[How, ...]] = ("cut_in_answer", "stall_in_answer", "garbled", "cut_at_finished")
"""Troubles in which the relay answers the ClientHello, at least in part."""


@dataclass(slots=True)
class Trouble:
    """One kind of trouble, until it is `over`. `met`: handshakes that had it; `failed`: how many of these failed."""

    how: How
    met: int = 0
    failed: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def declines(self) -> bool:
        """Whether a client that asks for TLS now gets "no"."""
        if self.how != "declined":
            return False
        self.met += 1
        self.failed += 1
        return True

    @property
    def counts(self) -> Sequence[int]:
        """Both counts."""
        return [self.met, self.failed]


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Conducts one handshake.

    `say` sends bytes to the client; `hear` returns when the client has sent something or left.
    """

    hello: bytes
    """The bytes that it has sent."""
    context: ssl.SSLContext
    say: Callable[[bytes], Awaitable[None]]
    hear: Callable[[], Awaitable[object]]

    async def go_wrong(self, trouble: Trouble) -> None:
        """Make the handshake fail. Return when the connection must be closed."""
        trouble.met += 1
        trouble.failed += 1
        if trouble.how == "garbage":
            await self.say(GARBAGE)
        elif trouble.how in IN_ANSWER:
            await self._answer(trouble.how)
        if trouble.how in ("stall", "stall_in_answer"):
            await trouble.over.wait()

    async def _answer(self, how: How) -> None:
        answer = answer_to(self.hello, self.context)
        if how == "garbled":
            await self.say(_changed(answer))
            await self.hear()  # an alert
        elif how == "cut_at_finished":
            await self.say(answer)
            await self.hear()
        else:
            await self.say(answer[: len(answer) // 2])


def answer_to(hello: bytes, context: ssl.SSLContext) -> bytes:
    """A server's answer to a ClientHello: ServerHello and everything after it. To other bytes perhaps nothing."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with suppress(ssl.SSLError):  # it needs the client's next flight, or its bytes are no hello
        tls.do_handshake()
    return outgoing.read()


def _changed(answer: bytes) -> bytes:
    """The same with one bit of its last byte changed. That byte is encrypted or signed, or in a field with a length."""
    return answer[:-1] + bytes([answer[-1] ^ 1]) if answer else answer
