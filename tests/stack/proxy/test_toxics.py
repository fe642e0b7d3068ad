"""What each toxic does to an open and to a new connection: every claim of the link faults, on the real Toxiproxy."""

from __future__ import annotations

import pytest

from harness import link, redis
from harness.errors import UsageError
from harness.faults.links.toxic import ToxicFault
from harness.stack.toxiproxy.client import Proxy, ToxiproxyClient
from harness.stack.toxiproxy.toxics import STREAMS, Stream, Toxic
from tests.stack.proxy.echo import Client, EchoServer
from tests.stack.proxy.support import one

HOUR_MS = 3_600_000

both_streams = pytest.mark.parametrize("stream", STREAMS)


def stalls(stream: Stream) -> list[Toxic]:
    """Toxics that hold bytes for longer than any test."""
    return [
        one(link.latency(redis, latency_ms=HOUR_MS), stream),
        one(link.bandwidth(redis, rate_kb_s=0), stream),
        one(link.slicer(redis, average_bytes=1, delay_us=60_000_000), stream),
        one(link.slow_close(redis, delay_ms=HOUR_MS), stream),
    ]


ALL_STALLS = [pytest.param(toxic, id=toxic.name) for stream in STREAMS for toxic in stalls(stream)]


@both_streams
@pytest.mark.parametrize("kind", ["latency", "bandwidth"])
def test_stall_resumes_with_every_byte(client: ToxiproxyClient, proxy: Proxy, kind: str, stream: Stream) -> None:
    toxic = next(each for each in stalls(stream) if each.type == kind)
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, toxic)
        with Client(proxy.listen) as new:
            for connection in (old, new):
                connection.send(b"one ")
                connection.send(b"two")
                assert connection.silent()
            assert client.remove_toxic(proxy.name, toxic.name)
            for connection in (old, new):
                assert connection.receive(7) == b"one two"
                assert connection.asks(b"after") == b"after"


@both_streams
def test_latency_holds_bytes_of_open_and_new_and_passes_them_when_removed(
    client: ToxiproxyClient, proxy: Proxy, stream: Stream
) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        toxic = one(link.latency(redis, latency_ms=HOUR_MS), stream)
        client.add_toxic(proxy.name, toxic)
        with Client(proxy.listen) as new:
            for connection in (old, new):
                connection.send(b"held")
                assert connection.silent()
            client.remove_toxic(proxy.name, toxic.name)
            for connection in (old, new):
                assert connection.receive(4) == b"held"
                assert connection.asks(b"x") == b"x"


FAR_MORE_THAN_SOCKETS_BUFFER = bytes(16 << 20)


def test_latency_buffers(client: ToxiproxyClient, proxy: Proxy) -> None:
    client.add_toxic(proxy.name, one(link.latency(redis, latency_ms=HOUR_MS), "upstream"))
    with Client(proxy.listen) as connection:
        connection.send(FAR_MORE_THAN_SOCKETS_BUFFER)
        assert connection.silent(), "all of it was taken, and none of it has come back"


def test_bandwidth_pushes_back(client: ToxiproxyClient, proxy: Proxy, echo: EchoServer) -> None:
    client.add_toxic(proxy.name, one(link.bandwidth(redis, rate_kb_s=0), "upstream"))
    with Client(proxy.listen) as connection:
        connection.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.send(FAR_MORE_THAN_SOCKETS_BUFFER)
        assert echo.received == b"", "the server, which waits for its answers to be read, has not pushed back itself"


@both_streams
def test_bandwidth_passes_what_its_rate_allows_in_each_step_of_100_ms(
    client: ToxiproxyClient, proxy: Proxy, stream: Stream
) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, one(link.bandwidth(redis, rate_kb_s=1), stream))
        old.send(bytes(20_000))
        first = old.socket.recv(20_000)
        assert len(first) % 100 == 0
        assert len(first) < 20_000, "the rest takes 20 seconds more"
        client.reset(proxy.name)
        assert len(old.receive(20_000 - len(first))) == 20_000 - len(first)


@both_streams
def test_timeout_swallows_and_its_removal_closes(
    client: ToxiproxyClient, proxy: Proxy, echo: EchoServer, stream: Stream
) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, one(link.timeout(redis, timeout_ms=0), stream))
        with Client(proxy.listen) as new, Client(proxy.listen) as idle:
            old.send(b"gone")
            new.send(b"gone")
            assert old.silent()
            assert new.silent()
            assert client.remove_toxic(proxy.name, f"timeout_{stream}")
            assert [each.end() for each in (old, new, idle)] == ["closed"] * 3
    expected = b"warm" if stream == "upstream" else b"warmgonegone"
    assert echo.wait_received(len(expected)) == expected
    with Client(proxy.listen) as later:
        assert later.asks(b"x") == b"x"


@both_streams
def test_timeout_closes_when_its_time_is_over(client: ToxiproxyClient, proxy: Proxy, stream: Stream) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, one(link.timeout(redis, timeout_ms=50), stream))
        assert old.end() == "closed"
        with Client(proxy.listen) as new:
            assert new.end() == "closed"


@both_streams
def test_reset_peer_resets_new_connections_at_their_first_bytes(
    client: ToxiproxyClient, proxy: Proxy, stream: Stream
) -> None:
    client.add_toxic(proxy.name, one(link.reset(redis), stream))
    with Client(proxy.listen) as new:
        assert new.silent()
        new.send(b"x")
        assert new.end() == "reset"


@both_streams
def test_reset_peer_closes_open_connections_at_their_next_bytes(
    client: ToxiproxyClient, proxy: Proxy, stream: Stream
) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, one(link.reset(redis), stream))
        assert old.silent()
        old.send(b"x")
        assert old.end() == "closed"


def test_reset_peer_marks_connections_for_their_whole_life(
    client: ToxiproxyClient, proxy: Proxy, echo: EchoServer
) -> None:
    client.add_toxic(proxy.name, one(link.reset(redis), "downstream"))
    with Client(proxy.listen) as marked:
        assert marked.silent()
        client.reset(proxy.name)
        assert marked.asks(b"x") == b"x"
        echo.close_connections()
        assert marked.end() == "reset"


@both_streams
def test_limit_data_closes_at_its_limit(
    client: ToxiproxyClient, proxy: Proxy, echo: EchoServer, stream: Stream
) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"before") == b"before"
        client.add_toxic(proxy.name, one(link.limit_data(redis, limit_bytes=5), stream))
        with Client(proxy.listen) as new:
            for connection, arrived in ((old, b"before12345"), (new, b"before1234512345")):
                assert connection.asks(b"123") == b"123"
                connection.send(b"456789")
                # The answers of an upstream limit race with the close: Toxiproxy closes both sides at once.
                assert connection.receive(6) in ((b"45", b"4", b"") if stream == "upstream" else (b"45",))
                if stream == "upstream":
                    assert echo.wait_received(len(arrived)) == arrived


def test_limit_data_of_zero_closes_at_the_first_chunk(client: ToxiproxyClient, proxy: Proxy, echo: EchoServer) -> None:
    client.add_toxic(proxy.name, one(link.limit_data(redis, limit_bytes=0), "upstream"))
    with Client(proxy.listen) as new:
        assert new.silent()
        new.send(b"x")
        assert new.end() == "closed"
    assert echo.received == b""


@both_streams
def test_slicer_cuts_without_loss(client: ToxiproxyClient, proxy: Proxy, stream: Stream) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, one(link.slicer(redis, average_bytes=4, delay_us=60_000_000), stream))
        with Client(proxy.listen) as new:
            for connection in (old, new):
                connection.send(b"0123456789abcdef")
            firsts = [connection.socket.recv(64) for connection in (old, new)]
            assert all(len(first) < 16 for first in firsts)
            client.reset(proxy.name)
            for connection, first in zip((old, new), firsts, strict=True):
                # To the end: Toxiproxy may wait for ever on a link that closes while a toxic holds bytes of it.
                assert first + connection.receive(16 - len(first)) == b"0123456789abcdef"
    client.add_toxic(proxy.name, one(link.slicer(redis, average_bytes=3, variation_bytes=2), stream))
    with Client(proxy.listen) as new:
        payload = bytes(range(256)) * 16
        assert new.asks(payload) == payload


def test_slicer_removed_in_the_middle_of_a_chunk(client: ToxiproxyClient, proxy: Proxy) -> None:
    client.add_toxic(proxy.name, one(link.slicer(redis, average_bytes=4, delay_us=60_000_000), "downstream"))
    with Client(proxy.listen) as connection:
        connection.send(b"0123456789abcdef")
        assert connection.receive(4) == b"0123"
        assert connection.silent()
        client.reset(proxy.name)
        assert connection.receive(12) == b"456789abcdef"


def test_slow_close_delays_the_servers_close(client: ToxiproxyClient, proxy: Proxy, echo: EchoServer) -> None:
    with Client(proxy.listen) as old:
        assert old.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, one(link.slow_close(redis, delay_ms=HOUR_MS), "downstream"))
        with Client(proxy.listen) as new:
            assert new.asks(b"warm") == b"warm"
            echo.close_connections()
            assert old.silent()
            assert new.silent()
            client.reset(proxy.name)
            assert old.end() == "closed"
            assert new.end() == "closed"


def test_disabling_outruns_slow_close(client: ToxiproxyClient, proxy: Proxy) -> None:
    client.add_toxic(proxy.name, one(link.slow_close(redis, delay_ms=HOUR_MS), "downstream"))
    with Client(proxy.listen) as connection:
        assert connection.asks(b"warm") == b"warm"
        client.set_enabled(proxy.name, False)
        assert connection.end() == "closed"


SIX_PIECES = bytes(6 * (32 << 10))
"""Toxiproxy reads 32 KiB at most, and holds each read's bytes as a piece: no pause has to tell the pieces apart."""
PASSED = {"slicer": 1, "slow_close": len(SIX_PIECES)}
"""How many bytes come back all the same."""


@pytest.mark.parametrize("how", ["client", "server", "disabled"])
@pytest.mark.parametrize("toxic", ALL_STALLS)
def test_healing_never_waits_for_dead_connections(
    client: ToxiproxyClient, proxy: Proxy, echo: EchoServer, toxic: Toxic, how: str
) -> None:
    """Deleted, a toxic that holds bytes for a dead connection takes 5 s a piece; the client gives up after 10."""
    with Client(proxy.listen) as connection:
        assert connection.asks(b"warm") == b"warm"
        client.add_toxic(proxy.name, toxic)
        connection.send(SIX_PIECES)
        assert len(connection.receive(PASSED.get(toxic.type, 0))) == PASSED.get(toxic.type, 0)
        assert connection.silent(), "the rest is held"
        if how == "server":
            echo.close_connections()
        elif how == "disabled":
            client.set_enabled(proxy.name, False)
    client.reset(proxy.name)
    with Client(proxy.listen) as later:
        assert later.asks(b"x") == b"x"


# ------------------------------------------------------------------ the values


TOXIC_FAULTS = [
    link.latency(redis, latency_ms=7, jitter_ms=3), link.bandwidth(redis, rate_kb_s=9),
    link.slow_close(redis, delay_ms=11), link.timeout(redis, timeout_ms=13), link.reset(redis), link.swallow(redis),
    link.slicer(redis, average_bytes=17, variation_bytes=5, delay_us=19), link.limit_data(redis, limit_bytes=21),
]  # fmt: skip


def test_each_fault_that_toxics_make_is_among_them() -> None:
    assert {fault.kind for fault in TOXIC_FAULTS} == set(ToxicFault.kinds())


@pytest.mark.parametrize("fault", TOXIC_FAULTS, ids=lambda fault: fault.kind)
def test_each_comes_back_as_it_was_added(client: ToxiproxyClient, proxy: Proxy, fault: ToxicFault) -> None:
    toxics = sorted(fault.toxics(), key=lambda toxic: STREAMS.index(toxic.stream))
    for toxic in toxics:
        client.add_toxic(proxy.name, toxic)
    assert list(client.toxics(proxy.name)) == toxics


def test_a_toxic_of_a_type_that_no_fault_uses_is_told_and_removed(client: ToxiproxyClient, proxy: Proxy) -> None:
    """`noop` is built into Toxiproxy, and somebody else may have added it."""
    noop = Toxic(type="noop", stream="upstream", attributes={})
    client.add_toxic(proxy.name, noop)
    assert client.toxics(proxy.name) == (noop,)
    client.reset(proxy.name)
    assert client.toxics(proxy.name) == ()


@pytest.mark.parametrize(
    ("stream", "name", "said"),
    [
        ("upstrem", "", ["toxic timeout", "stream", "'upstrem'", "closest valid: 'upstream'"]),
        ("upstream", "a/b", ["name", "'a/b'", "not a safe name"]),
    ],
)
def test_a_direction_or_a_name_that_cannot_be(stream: Stream, name: str, said: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        Toxic(type="timeout", stream=stream, attributes={"timeout": 0}, name=name)
    for part in said:
        assert part in str(caught.value)
