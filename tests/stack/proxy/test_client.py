"""The control client, against real Toxiproxies."""

from __future__ import annotations

import itertools
import pickle
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import link, redis
from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper
from harness.stack.servers.server import Launch
from harness.stack.tcp.port_claims import PortClaims
from harness.stack.tcp.ports import ephemeral_range
from harness.stack.toxiproxy.build import toxiproxy_server_path
from harness.stack.toxiproxy.client import (
    Proxy,
    ToxiproxyClient,
    ToxiproxyError,
    ToxiproxyUnreachableError,
    parse_api_url,
)
from harness.stack.toxiproxy.server import ToxiproxyServer
from tests.stack.proxy.echo import Client, EchoServer
from tests.stack.proxy.support import one
from tests.stack.support import accepts, refusing

LATENCY = one(link.latency(redis, latency_ms=3_600_000), "downstream")


def test_a_proxy_is_what_was_asked_for(client: ToxiproxyClient, proxy: Proxy, echo: EchoServer) -> None:
    assert proxy.enabled
    assert proxy.upstream == echo.address
    assert proxy.listen.host == "127.0.0.1"
    assert proxy.listen.port not in ephemeral_range()
    assert client.proxy(proxy.name) == proxy
    with Client(proxy.listen) as connection:
        assert connection.asks(b"hello") == b"hello"


def test_disabled_refuses_and_enabled_listens_on_the_same_port(client: ToxiproxyClient, proxy: Proxy) -> None:
    with Client(proxy.listen) as connection:
        assert connection.asks(b"x") == b"x"
        for _ in range(2):  # the second time changes nothing
            client.set_enabled(proxy.name, False)
            assert not client.enabled(proxy.name)
            assert not accepts(proxy.listen.port)
        assert connection.end() == "closed"
    for _ in range(2):
        client.set_enabled(proxy.name, True)
        assert client.proxy(proxy.name) == proxy
        with Client(proxy.listen) as again:
            assert again.asks(b"x") == b"x"


def test_a_cut_closes_what_is_open_and_listens_on(client: ToxiproxyClient, proxy: Proxy) -> None:
    client.add_toxic(proxy.name, one(link.latency(redis, latency_ms=1), "downstream"))
    for _ in range(3):
        with Client(proxy.listen) as connection:
            assert connection.asks(b"x") == b"x"
            client.cut(proxy.name)
            assert connection.end() == "closed"
        assert client.proxy(proxy.name) == proxy
        assert len(client.toxics(proxy.name)) == 1
        with Client(proxy.listen) as again:
            assert again.asks(b"x") == b"x"


def test_a_cut_of_what_is_disabled_does_not_enable_it(client: ToxiproxyClient, proxy: Proxy) -> None:
    client.set_enabled(proxy.name, False)
    client.cut(proxy.name)
    assert not client.enabled(proxy.name)
    assert not accepts(proxy.listen.port)


def test_a_dead_upstream_is_accepted_then_closed(client: ToxiproxyClient, tmp_path: Path) -> None:
    with refusing() as gone:
        made = client.create(tmp_path.name, gone)
        with Client(made.listen) as connection:
            assert connection.end() == "closed"
    assert client.delete(made.name)


def test_healing_is_idempotent(client: ToxiproxyClient, proxy: Proxy) -> None:
    for _ in range(2):
        client.reset(proxy.name)
    assert client.remove_toxic(proxy.name, "never_there") is False
    client.add_toxic(proxy.name, LATENCY)
    client.add_toxic(proxy.name, one(link.timeout(redis, timeout_ms=0), "upstream"))
    client.set_enabled(proxy.name, False)
    client.reset(proxy.name)
    assert client.enabled(proxy.name)
    assert client.toxics(proxy.name) == ()
    assert client.remove_toxic(proxy.name, LATENCY.name) is False
    client.reset(proxy.name)
    with Client(proxy.listen) as connection:
        assert connection.asks(b"x") == b"x"


def test_a_toxic_that_was_taken_back_can_be_added_again(client: ToxiproxyClient, proxy: Proxy) -> None:
    """Those that hold bytes stay in Toxiproxy, without effect: their name is free all the same."""
    for _ in range(2):
        client.add_toxic(proxy.name, LATENCY)
        assert client.toxics(proxy.name) == (LATENCY,)
        assert client.remove_toxic(proxy.name, LATENCY.name)
        assert client.toxics(proxy.name) == ()
    other = one(link.bandwidth(redis, rate_kb_s=1), "upstream", name=LATENCY.name)
    client.add_toxic(proxy.name, other)
    assert client.toxics(proxy.name) == (other,)


def test_a_toxic_cannot_be_added_twice(client: ToxiproxyClient, proxy: Proxy) -> None:
    client.add_toxic(proxy.name, LATENCY)
    with pytest.raises(ToxiproxyError, match="409: toxic already exists") as caught:
        client.add_toxic(proxy.name, LATENCY)
    assert caught.value.status == 409


def test_a_missing_proxy_is_an_error_and_deleting_it_is_not(client: ToxiproxyClient) -> None:
    for call in (client.enabled, client.toxics, client.reset):
        with pytest.raises(ToxiproxyError, match="404: proxy not found") as caught:
            call("nobody")
        assert caught.value.status == 404
    with pytest.raises(ToxiproxyError, match="404: proxy not found"):
        client.remove_toxic("nobody", "latency_upstream")
    assert client.delete("nobody") is False


def test_a_name_that_is_taken(client: ToxiproxyClient, proxy: Proxy, echo: EchoServer) -> None:
    with pytest.raises(ToxiproxyError, match="409: proxy already exists"):
        client.create(proxy.name, echo.address)


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "ä", "x" * 101, "a?b", "a\n"])
def test_unsafe_names(client: ToxiproxyClient, name: str) -> None:
    for call in (client.enabled, client.delete, client.reset):
        with pytest.raises(UsageError, match="not a safe name"):
            call(name)
    with pytest.raises(UsageError, match="not a safe name"):
        client.create(name, HostPort("127.0.0.1", 1))


def test_a_server_error_is_raised_with_its_words(client: ToxiproxyClient, proxy: Proxy) -> None:
    """toxiproxy-python lets this 500 pass as success: the proxy would seem to be up."""
    client.set_enabled(proxy.name, False)
    with socket.create_server(proxy.listen):
        with pytest.raises(ToxiproxyError, match=r"500: .*address already in use") as caught:
            client.set_enabled(proxy.name, True)
        assert caught.value.status == 500
        assert not client.enabled(proxy.name)
    client.set_enabled(proxy.name, True)
    assert client.enabled(proxy.name)


def test_errors_cross_process_borders() -> None:
    for error in (
        ToxiproxyError("message", hint="mend", status=500, body="body"),
        ToxiproxyUnreachableError("message", hint="mend"),
    ):
        back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
        assert (type(back), str(back), back.status, back.body) == (type(error), str(error), error.status, error.body)


class Offering(PortClaims):
    """Claims that offer some port numbers first, and go on with others, or do not."""

    def __init__(self, *numbers: int, others: bool) -> None:
        super().__init__()
        self._offered = itertools.chain(numbers) if others else itertools.cycle(numbers)

    def claim(self) -> int:
        return next(self._offered, None) or super().claim()


def test_a_taken_port_is_passed_over(toxiproxy: ToxiproxyServer, echo: EchoServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        with ToxiproxyClient(toxiproxy.api_url, ports=Offering(taken, taken, others=True)) as client:
            made = client.create(tmp_path.name, echo.address)
            assert made.listen.port != taken
            assert client.delete(made.name)
        none_else = ToxiproxyClient(toxiproxy.api_url, ports=Offering(taken, others=False))
        with none_else as client, pytest.raises(HarnessError, match="each of 20 ports was taken"):
            client.create(tmp_path.name, echo.address)


def test_two_clients_never_choose_the_same_port(
    client: ToxiproxyClient,
    proxy: Proxy,
    toxiproxy: ToxiproxyServer,
    echo: EchoServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disabled proxy's port is free to bind; another run's claim must pass it over all the same."""
    client.set_enabled(proxy.name, False)
    port, second = proxy.listen.port, 20_011
    monkeypatch.setattr("harness.stack.tcp.port_claims.candidates", lambda _ephemeral: [port, second])
    with ToxiproxyClient(toxiproxy.api_url) as other:
        made = other.create(f"{tmp_path.name}-other", echo.address)
        assert made.listen.port == second
        with pytest.raises(HarnessError, match="no free port"):
            other.create(f"{tmp_path.name}-more", echo.address)
        client.delete(made.name)
    with ToxiproxyClient(toxiproxy.api_url) as later:
        made = later.create(f"{tmp_path.name}-later", echo.address)
        assert made.listen.port == second, "a closed client gives its ports back"
        later.delete(made.name)


def test_nobody_listens() -> None:
    with (
        refusing() as nobody,
        ToxiproxyClient(f"http://127.0.0.1:{nobody.port}") as client,
        pytest.raises(ToxiproxyUnreachableError) as caught,
    ):
        client.version()
    assert "Connection refused" in str(caught.value)


def test_a_server_that_never_answers_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with (
            ToxiproxyClient(f"http://127.0.0.1:{port}", timeout_s=0.1) as client,
            pytest.raises(ToxiproxyUnreachableError, match=r"no answer within 0\.1 s"),
        ):
            client.version()


def test_the_environments_proxy_is_not_asked(client: ToxiproxyClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, address)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert client.version() == "2.12.0"


@pytest.fixture
def second(keeper: Keeper, tmp_path: Path) -> Iterator[ToxiproxyClient]:
    with ToxiproxyServer.start(Launch(keeper, tmp_path), toxiproxy_server_path()) as server:
        yield server.client()


def test_two_servers_in_one_process_from_two_threads(
    client: ToxiproxyClient, second: ToxiproxyClient, echo: EchoServer
) -> None:
    """toxiproxy-python's one global address would mix them up."""
    failures: list[BaseException] = []

    def work(its: ToxiproxyClient, latency_ms: int) -> None:
        try:
            made = its.create("the-same-name", echo.address)
            for _ in range(25):
                its.add_toxic(made.name, one(link.latency(redis, latency_ms=latency_ms), "upstream"))
                (toxic,) = its.toxics(made.name)
                assert toxic == one(link.latency(redis, latency_ms=latency_ms), "upstream")
                assert its.proxy(made.name).listen == made.listen
                its.reset(made.name)
            assert its.delete(made.name)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's, and is raised below
            failures.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in ((client, 11), (second, 22))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8474", "http://127.0.0.1", "http://:8474", "http://127.0.0.1:x", "http://127.0.0.1:1/v1"]
)
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(UsageError, match="write http://HOST:PORT") as caught:
        parse_api_url(url)
    assert repr(url) in str(caught.value)


def test_urls() -> None:
    assert parse_api_url("http://127.0.0.1:8474/") == HostPort("127.0.0.1", 8474)
    assert parse_api_url("http://[::1]:8474") == HostPort("::1", 8474)
