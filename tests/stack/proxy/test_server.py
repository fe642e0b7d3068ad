"""The server: started, noticed, told apart from others, read for evidence."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper
from harness.stack.servers.server import Launch
from harness.stack.toxiproxy.build import toxiproxy_server_path
from harness.stack.toxiproxy.client import Proxy
from harness.stack.toxiproxy.go_buildinfo import read_go_build
from harness.stack.toxiproxy.log import ProxyEventKind, proxy_events
from harness.stack.toxiproxy.server import ToxiproxyServer, find_toxiproxy, toxiproxy_version
from tests.stack.proxy.echo import Client, EchoServer
from tests.stack.support import accepts, first_then_any, occupied_port, processes_in, refusing, script


def test_it_tells_its_real_version(toxiproxy: ToxiproxyServer) -> None:
    assert toxiproxy.version == "2.12.0"
    assert toxiproxy.client().version() == "2.12.0", "the build names it; a bare go install says git"


def test_it_ends_with_its_block_whatever_happens(keeper: Keeper, tmp_path: Path) -> None:
    ports: list[int] = []

    def break_inside() -> None:
        with ToxiproxyServer.start(Launch(keeper, tmp_path), toxiproxy_server_path()) as server:
            ports.append(server.port)
            assert accepts(ports[0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_inside()
    assert not accepts(ports[0])
    assert processes_in(tmp_path) == []


def test_accepted_clients_are_evidence(toxiproxy: ToxiproxyServer, proxy: Proxy) -> None:
    assert toxiproxy.log is not None
    mark = toxiproxy.log.size()
    with Client(proxy.listen) as first, Client(proxy.listen) as second:
        assert first.asks(b"x") == second.asks(b"x") == b"x"
        ends = [each.socket.getsockname() for each in (first, second)]
        assert list(toxiproxy.accepted(proxy.name, mark)) == ends
        assert toxiproxy.accepted("somebody-else", mark) == ()
        middle = toxiproxy.log.size()
        toxiproxy.client().set_enabled(proxy.name, False)
        assert first.end() == "closed"
    assert toxiproxy.accepted(proxy.name, middle) == ()
    told = [(event.kind, event.proxy) for event in toxiproxy.events(middle)]
    assert (ProxyEventKind.TERMINATED, proxy.name) in told


def test_a_failed_upstream_is_evidence(toxiproxy: ToxiproxyServer, tmp_path: Path) -> None:
    assert toxiproxy.log is not None
    mark = toxiproxy.log.size()
    with refusing() as gone:
        made = toxiproxy.client().create(tmp_path.name, gone)
        with Client(made.listen) as connection:
            assert connection.end() == "closed"
    failed = [each for each in toxiproxy.events(mark) if each.kind is ProxyEventKind.UPSTREAM_FAILED]
    assert [(each.proxy, "connection refused" in each.error) for each in failed] == [(made.name, True)]
    assert toxiproxy.client().delete(made.name)


def test_log_lines_that_are_no_events() -> None:
    line = '{"level":"info","name":"p","client":"[::1]:9","time":"2026-01-01T00:00:00Z","message":"Accepted client"}'
    text = f'd":"of a line"}}\n{line}\npanic: no JSON\n[1]\n{{"message":"other"}}\n{line[:40]}'
    (event,) = proxy_events(text)
    assert (event.proxy, event.client) == ("p", ("::1", 9))


def test_a_taken_api_port_is_passed_over(keeper: Keeper, tmp_path: Path) -> None:
    """Toxiproxy lives on without its API then; and what answers on the port may be another's Toxiproxy."""
    with occupied_port() as taken, occupied_port() as also_taken:
        launch = Launch(keeper, tmp_path, ports=first_then_any(taken, also_taken))
        with ToxiproxyServer.start(launch, toxiproxy_server_path()) as server:
            assert server.port not in (taken, also_taken)
            assert server.client().version() == "2.12.0"
            assert len(processes_in(tmp_path)) == 1
    assert processes_in(tmp_path) == []


def test_a_program_that_dies_shows_its_log(keeper: Keeper, tmp_path: Path) -> None:
    broken = script(tmp_path, "toxiproxy-server", "echo broken on purpose; exit 3")
    with pytest.raises(HarnessError, match=r"toxiproxy exited with status 3[\s\S]*broken on purpose"):
        ToxiproxyServer.start(Launch(keeper, tmp_path), broken)


def test_its_death_is_told_by_its_process(keeper: Keeper, tmp_path: Path) -> None:
    with ToxiproxyServer.start(Launch(keeper, tmp_path), toxiproxy_server_path()) as server:
        assert server.process is not None
        server.process.send_signal(signal.SIGKILL)
        assert server.process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("name", ["", "no/such/file", "."])
def test_programs_that_are_none(keeper: Keeper, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"toxiproxy = .*: no program is there") as caught:
        find_toxiproxy(str(tmp_path / name), keeper)
    assert "name an executable toxiproxy-server" in caught.value.hint


def test_a_server_given_by_url(tmp_path: Path, toxiproxy: ToxiproxyServer, echo: EchoServer) -> None:
    with ToxiproxyServer.at_url(toxiproxy.api_url + "/") as given:
        assert (given.process, given.log, given.version) == (None, None, "2.12.0")
        made = given.client().create(tmp_path.name, echo.address)
        with Client(made.listen) as connection:
            assert connection.asks(b"x") == b"x"
        assert given.client().delete(made.name)
        with pytest.raises(HarnessError, match="given by URL cannot be read"):
            given.accepted(made.name)
    assert toxiproxy.client().version() == "2.12.0", "it is not ours to stop"


def test_another_machine_is_never_touched() -> None:
    with pytest.raises(UsageError, match="another machine"):
        ToxiproxyServer.at_url("http://192.0.2.1:8474")


def test_build_information_of_files_that_have_none(tmp_path: Path) -> None:
    real = toxiproxy_server_path()
    build = read_go_build(real)
    assert build is not None
    assert (build.path, build.version) == ("github.com/Shopify/toxiproxy/v2/cmd/server", "v2.12.0")
    for content in (b"", b"short", bytes(4096), b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\xff" * 64):
        file = tmp_path / "file"
        file.write_bytes(content)
        assert read_go_build(file) is None
        assert toxiproxy_version(file) is None
    cut = Path(shutil.copy(real, tmp_path / "cut"))
    with cut.open("r+b") as opened:
        opened.truncate(opened.seek(0, 2) // 100)
    assert read_go_build(cut) is None
