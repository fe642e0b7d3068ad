"""How a handshake goes wrong, between a real TLS client and what the relay says, without sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import pytest
import trustme

from harness.relay.hop.handshakes import Dialogue, How, Trouble, answer_to


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("server.test").configure_cert(context)
    return context


class Client:
    """A client that has said hello, and takes what it is told."""

    def __init__(self, authority: trustme.CA) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(context)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="server.test")
        self.heard = 0
        self.ended = ""
        self._go_on()
        self.hello = self._outgoing.read()

    async def say(self, data: bytes) -> None:
        """What the relay says."""
        self._incoming.write(data)
        self._go_on()

    async def hear(self) -> bytes:
        """What the relay waits for."""
        self.heard += 1
        return self._outgoing.read()

    def _go_on(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self.ended = "waits"
        except ssl.SSLError as error:
            self.ended = error.reason or ""
        else:
            self.ended = "done"


def went(client: Client, server: ssl.SSLContext, how: How, while_it_waits: Callable[[Trouble], None]) -> Trouble:
    trouble = Trouble(how)

    async def go() -> None:
        going = asyncio.create_task(Dialogue(client.hello, server, client.say, client.hear).go_wrong(trouble))
        await asyncio.sleep(0)
        while_it_waits(trouble)
        await asyncio.wait_for(going, 20)

    asyncio.run(go())
    return trouble


def _nothing(trouble: Trouble) -> None:
    del trouble


@pytest.mark.parametrize(
    ("how", "ended", "heard"),
    [
        ("cut", "waits", 0),
        ("garbage", "WRONG_VERSION_NUMBER", 0),
        ("cut_in_answer", "waits", 0),
        ("garbled", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", 1),
        ("cut_at_finished", "done", 1),
    ],
)
def test_the_client_gets_as_far_as_that(
    authority: trustme.CA, server: ssl.SSLContext, how: How, ended: str, heard: int
) -> None:
    client = Client(authority)
    trouble = went(client, server, how, _nothing)
    assert (client.ended, client.heard) == (ended, heard)
    assert list(trouble.counts) == [1, 1]


@pytest.mark.parametrize("how", ["stall", "stall_in_answer"])
def test_a_silent_handshake_ends_when_it_is_over(authority: trustme.CA, server: ssl.SSLContext, how: How) -> None:
    client = Client(authority)
    seen = []

    def over(trouble: Trouble) -> None:
        seen.append(client.ended)
        trouble.over.set()

    went(client, server, how, over)
    assert seen == ["waits"]


def test_half_of_the_answer_is_some_of_it(authority: trustme.CA, server: ssl.SSLContext) -> None:
    """The whole answer is what the client needs, and half of it is not nothing: else a cut in it were one before it."""
    client = Client(authority)
    answer = answer_to(client.hello, server)
    assert len(answer) > 200
    asyncio.run(client.say(answer))
    assert client.ended == "done"
    assert answer_to(b"GET / HTTP/1.1\r\n\r\n", server)[:1] in (b"", b"\x15")  # nothing, or an alert
