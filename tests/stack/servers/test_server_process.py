from __future__ import annotations

import signal
import socket
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper
from harness.protocols.postgres.options import PostgresOptions
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.running.binaries import RedisBinary, find_redis
from harness.protocols.redis.server import RedisServer
from harness.stack import Launch
from harness.stack.servers.deaths import DeathWatch, describe_exit
from tests.keeper.support import wait_for
from tests.stack.support import accepts, broken_redis, collected, first_then_any, occupied_port, processes_in


def test_a_redis_whose_port_is_taken_takes_another(keeper: Keeper, folder: Path, deaths: DeathWatch) -> None:
    with (
        occupied_port() as taken,
        RedisServer.start(Launch(keeper, folder, ports=first_then_any(taken), deaths=deaths)) as it,
    ):
        assert it.port != taken
        assert it.log is not None
        assert f"127.0.0.1:{taken}: bind: Address already in use" in it.log.read()
        assert accepts(it.port)
    assert deaths.first() is None


def test_a_postgres_whose_port_is_taken_takes_another(keeper: Keeper, folder: Path, deaths: DeathWatch) -> None:
    with (
        occupied_port() as taken,
        PostgresServer.start(Launch(keeper, folder, ports=first_then_any(taken), deaths=deaths)) as it,
    ):
        assert it.port != taken
        assert it.log is not None
        assert 'could not bind IPv4 address "127.0.0.1": Address already in use' in it.log.read()
    assert deaths.first() is None


def test_an_answer_of_another_server_on_the_port_is_not_taken_for_ones_own(
    keeper: Keeper, folder: Path, redis: RedisServer
) -> None:
    with RedisServer.start(Launch(keeper, folder, ports=first_then_any(redis.port))) as other:
        assert other.port != redis.port


def test_ports_without_end_are_not_tried(keeper: Keeper, folder: Path) -> None:
    with occupied_port() as taken, pytest.raises(HarnessError, match="20 ports were tried and all were in use"):
        RedisServer.start(Launch(keeper, folder, ports=lambda: taken))


def test_a_server_that_needs_its_port_back_waits_for_it(keeper: Keeper, folder: Path) -> None:
    with RedisServer.start(Launch(keeper, folder)) as server:
        assert server.log is not None
        server.stop()
        with _listening_on(server.port):
            starting = threading.Thread(target=server.start_again)
            starting.start()
            _until_logged(server, "Address already in use")
        starting.join(30)
        assert accepts(server.port)


def test_a_server_that_dies_while_it_starts_shows_the_end_of_its_log(keeper: Keeper, folder: Path) -> None:
    options = PostgresOptions(settings={"shared_buffers": "nonsense"})
    with pytest.raises(HarnessError, match=r"postgres exited with status 1 while it started") as died:
        PostgresServer.start(Launch(keeper, folder), options=options)
    assert 'invalid value for parameter "shared_buffers": "nonsense"' in died.value.message
    assert died.value.hint
    assert not processes_in(folder)


def test_a_program_that_only_looks_like_a_redis(keeper: Keeper, folder: Path) -> None:
    with pytest.raises(HarnessError, match=r"redis exited with status 3 while it started.*\nbroken on purpose"):
        RedisServer.start(Launch(keeper, folder), program=find_redis(str(broken_redis(folder))))


def test_a_program_that_is_gone(keeper: Keeper, folder: Path) -> None:
    with pytest.raises(HarnessError, match="gone") as failed:
        RedisServer.start(Launch(keeper, folder), program=RedisBinary(folder / "gone", "8.2.3", "Redis"))
    assert failed.value.hint


def test_an_unintended_death_is_told_once_with_name_status_and_log(keeper: Keeper, folder: Path) -> None:
    deaths = DeathWatch()
    told, callback = collected()
    deaths.subscribe(callback)
    with RedisServer.start(Launch(keeper, folder, deaths=deaths)) as server:
        assert server.process is not None
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        server.stop()
        assert len(told) == 1
        assert told[0].startswith("redis killed by signal 9 (SIGKILL); the end of its log:\n")
        assert "Ready to accept connections" in told[0]
        first = deaths.first()
        assert first is not None
        assert (first.name, first.exit_status) == ("redis", -9)
        server.start_again()
        server.stop()
    assert len(told) == 1


def test_who_subscribes_late_is_told_and_who_unsubscribed_is_not(keeper: Keeper, folder: Path) -> None:
    deaths = DeathWatch()
    early, early_callback = collected()
    late, late_callback = collected()
    deaths.subscribe(early_callback)()
    with RedisServer.start(Launch(keeper, folder, deaths=deaths)) as server:
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(10)
        server.stop()
    deaths.subscribe(late_callback)
    assert early == []
    assert [text.splitlines()[0] for text in late] == ["redis exited with status 0; the end of its log:"]


@pytest.mark.parametrize(
    ("status", "words"),
    [(0, "exited with status 0"), (-6, "killed by signal 6 (SIGABRT)"), (-200, "killed by signal 200")],
)
def test_exit_statuses_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words


def _listening_on(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def _until_logged(server: RedisServer, text: str) -> None:
    assert server.log is not None
    log = server.log
    assert wait_for(lambda: text in log.read()), log.tail()
