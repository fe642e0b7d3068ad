"""The harness's own name server: it knows the names of a target's links, and the answers that a fault sets for them.

The service's connects to port 53 are redirected to it: the kernel reports them, and the address in them is replaced. It
is a UDP socket of the run's own event loop, so it ends with the run.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from harness.errors import HarnessError
from harness.processes.syscalls import ConnectRule, LeadRule, Rule

PORT: Final = 53
"""Where clients expect a name server (RFC 1035)."""
TTL_S: Final = 1
Code = Literal["NOERROR", "NXDOMAIN", "SERVFAIL"]
Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """The answer for a name. `after_ms`: how much later; None: only when another answer is set."""

    code: Code = "NOERROR"
    addresses: tuple[str, ...] = ()
    after_ms: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Query:
    """A query of the service. `fault`: the fault that decided the answer; empty for none. `kind`: A, AAAA, ..."""

    t_ns: int
    name: str
    kind: str
    fault: str


@dataclass(slots=True)
class _Name:
    right: Said
    wrong: dict[str, Said] = field(default_factory=dict)
    waiting: list[tuple[Any, Address]] = field(default_factory=list)


class Resolver(asyncio.DatagramProtocol):
    """Answers questions about names. Any name that it does not know does not exist."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = {name: _Name(Said(addresses=(address,))) for name, address in names.items()}
        self._transport: asyncio.DatagramTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._queries: list[Query] = []
        self.port = 0

    @property
    def queries(self) -> Sequence[Query]:
        """Every query so far, in order."""
        return self._queries

    def say(self, name: str, fault: str, said: Said) -> None:
        """Give this answer for a name from now on. If several faults do this, the last one counts."""
        self._names[name].wrong[fault] = said

    def unsay(self, name: str, fault: str) -> None:
        """Remove the fault's answer, and answer waiting queries. Safe at any time."""
        known = self._names[name]
        known.wrong.pop(fault, None)
        waiting, known.waiting = known.waiting, []
        for question, client in waiting:
            self._answer(question, client, known)

    def rules(self) -> tuple[Rule, ...]:
        """The rules that redirect a process's queries here. Queries by TCP to another name server are refused."""
        return (
            LeadRule(id="names", host=None, port=PORT, to_port=self.port, transport="datagram"),
            ConnectRule(id="names over TCP", host=None, port=PORT, errno=errno.ECONNREFUSED),
        )

    def serve(self, transport: asyncio.DatagramTransport) -> None:
        """Answer what arrives there."""
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer one query. A packet that is not a query is dropped, as name servers do."""
        from dnslib import QTYPE, DNSError, DNSRecord  # noqa: PLC0415 - it takes 20 ms, and few targets have names

        try:
            question = DNSRecord.parse(data)
        except DNSError:
            return
        name = str(question.q.qname).rstrip(".").lower()
        known = self._names.get(name, _Name(Said("NXDOMAIN")))
        fault = next(reversed(known.wrong), "")
        self._queries.append(Query(time.monotonic_ns(), name, str(QTYPE[question.q.qtype]), fault))
        self._answer(question, addr, known)

    def _answer(self, question: Any, client: Address, known: _Name) -> None:
        said = next(reversed(known.wrong.values()), known.right)
        if said.after_ms is None:
            known.waiting.append((question, client))
        elif said.after_ms:
            self._loop.call_later(said.after_ms / 1e3, self._send, _packed(question, said), client)
        else:
            self._send(_packed(question, said), client)

    def _send(self, data: bytes, client: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)


def _packed(question: Any, said: Said) -> bytes:
    from dnslib import QTYPE, RCODE, RR, A  # noqa: PLC0415 - see above

    reply = question.reply()
    reply.header.rcode = getattr(RCODE, said.code)
    if question.q.qtype == QTYPE.A:  # there is no IPv6 address: an AAAA gets an empty answer
        for address in said.addresses:
            reply.add_answer(RR(question.q.qname, QTYPE.A, rdata=A(address), ttl=TTL_S))
    return bytes(reply.pack())


@asynccontextmanager
async def resolving(names: Mapping[str, str]) -> AsyncIterator[Resolver]:
    """Listen on a free UDP port of 127.0.0.1 until the block ends. `names`: an address by name. Raises HarnessError."""
    loop = asyncio.get_running_loop()
    try:
        transport, resolver = await loop.create_datagram_endpoint(lambda: Resolver(names), ("127.0.0.1", 0))
    except OSError as problem:
        raise HarnessError(f"the harness's name server cannot listen: {problem}") from problem
    try:
        resolver.serve(transport)
        yield resolver
    finally:
        transport.close()
