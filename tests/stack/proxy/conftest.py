from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes.keeper import Keeper
from harness.stack.servers.server import Launch
from harness.stack.toxiproxy.build import toxiproxy_server_path
from harness.stack.toxiproxy.client import Proxy, ToxiproxyClient
from harness.stack.toxiproxy.server import ToxiproxyServer
from tests.stack.proxy.echo import EchoServer


@pytest.fixture(scope="session")
def toxiproxy(keeper: Keeper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToxiproxyServer]:
    """A real Toxiproxy alone, without the other servers."""
    with ToxiproxyServer.start(Launch(keeper, tmp_path_factory.mktemp("toxiproxy")), toxiproxy_server_path()) as server:
        yield server


@pytest.fixture
def client(toxiproxy: ToxiproxyServer) -> ToxiproxyClient:
    return toxiproxy.client()


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with EchoServer() as server:
        yield server


@pytest.fixture
def proxy(client: ToxiproxyClient, echo: EchoServer, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy of the test's own in front of its echo server."""
    made = client.create(tmp_path.name, echo.address)
    yield made
    client.delete(made.name)
