"""The harness's name server says of each name what it was told to, and to nobody what it was not."""

from __future__ import annotations

import asyncio

import pytest
from dnslib import QTYPE, RCODE, DNSRecord

from harness.stack.resolver import Resolver, Said, resolving

pytestmark = pytest.mark.asyncio


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.replies: asyncio.Queue[DNSRecord] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        del addr
        self.replies.put_nowait(DNSRecord.parse(data))


async def ask(client: asyncio.DatagramTransport, name: str, kind: str = "A") -> None:
    client.sendto(DNSRecord.question(name, kind).pack())


async def test_each_name_gets_its_own_answer_and_every_question_is_recorded() -> None:
    loop = asyncio.get_running_loop()
    async with resolving({"db.test": "127.0.0.1", "cache.test": "127.0.0.1"}) as resolver:
        transport, client = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", resolver.port))
        try:
            resolver.say("cache.test", "a", Said("SERVFAIL"))
            asked = [("db.test", "A"), ("DB.test", "AAAA"), ("cache.test", "A"), ("other.test", "A")]
            told = []
            for name, kind in asked:
                await ask(transport, name, kind)
                reply = await asyncio.wait_for(client.replies.get(), 10)
                told.append((RCODE[reply.header.rcode], [str(each.rdata) for each in reply.rr]))
            transport.sendto(b"no question")
            await _ask_again_without(resolver, transport, client)
        finally:
            transport.close()
    assert told == [("NOERROR", ["127.0.0.1"]), ("NOERROR", []), ("SERVFAIL", []), ("NXDOMAIN", [])]
    assert [(each.name, each.kind, each.fault) for each in resolver.queries[:4]] == [
        ("db.test", "A", ""), ("db.test", "AAAA", ""), ("cache.test", "A", "a"), ("other.test", "A", ""),
    ]  # fmt: skip


async def _ask_again_without(resolver: Resolver, transport: asyncio.DatagramTransport, client: Client) -> None:
    """What waited for an answer gets the right one when the fault is over; of two faults the last counts."""
    resolver.say("cache.test", "b", Said(after_ms=None))
    await ask(transport, "cache.test")
    await ask(transport, "db.test")
    assert str((await asyncio.wait_for(client.replies.get(), 10)).q.qname) == "db.test."
    resolver.unsay("cache.test", "a")
    assert client.replies.empty()
    resolver.unsay("cache.test", "b")
    late = await asyncio.wait_for(client.replies.get(), 10)
    assert (str(late.q.qname), QTYPE[late.q.qtype], [str(each.rdata) for each in late.rr]) == (
        "cache.test.", "A", ["127.0.0.1"],
    )  # fmt: skip
