from __future__ import annotations

import signal
from pathlib import Path

import redis as client_library

from harness.processes.keeper import Keeper
from harness.protocols.redis.options import RedisOptions
from harness.protocols.redis.server import RedisServer
from harness.stack import Launch
from harness.stack.servers.deaths import DeathWatch
from tests.stack.support import accepts


def client_of(server: RedisServer, db: int = 0) -> client_library.Redis:
    return client_library.Redis.from_url(server.url(db), socket_timeout=5, decode_responses=True)


def test_it_answers_as_the_version_that_it_tells(redis: RedisServer) -> None:
    with client_of(redis) as client:
        assert client.info("server")["redis_version"] == redis.version
        assert client.config_get("save", "appendonly", "bind") == {
            "save": "",
            "appendonly": "no",
            "bind": "127.0.0.1",
        }


def test_databases_are_apart(redis: RedisServer) -> None:
    with client_of(redis) as zero, client_of(redis, 3) as three:
        zero.set("key", "zero")
        assert three.get("key") is None
        zero.flushall()


def test_a_restart_keeps_the_port_and_forgets_the_keys(redis: RedisServer, deaths: DeathWatch) -> None:
    port = redis.port
    with client_of(redis) as client:
        client.set("key", "value")
    redis.restart()
    assert redis.port == port
    with client_of(redis) as client:
        assert client.get("key") is None
    assert deaths.first() is None


def test_a_crash_keeps_what_is_appended_to_a_file(keeper: Keeper, deaths: DeathWatch, folder: Path) -> None:
    options = RedisOptions(settings={"appendonly": "yes"})
    with RedisServer.start(Launch(keeper, folder, deaths=deaths), options=options) as redis:
        with client_of(redis) as client:
            client.set("key", "value")
        redis.crash()
        redis.start_again()
        with client_of(redis) as client:
            assert client.get("key") == "value"


def test_crash_and_start_again(redis: RedisServer, deaths: DeathWatch) -> None:
    redis.crash()
    assert redis.process is not None
    assert redis.process.poll() == -9
    assert not accepts(redis.port)
    redis.start_again()
    with client_of(redis) as client:
        assert client.ping()
    assert deaths.first() is None


def test_connections_are_in_its_log(redis: RedisServer) -> None:
    assert redis.log is not None
    mark = redis.log.size()
    with client_of(redis) as client:
        client.ping()
        assert "Accepted 127.0.0.1:" in redis.log.read(mark)


def test_a_paused_server_can_be_stopped(redis: RedisServer) -> None:
    assert redis.process is not None
    redis.process.send_signal(signal.SIGSTOP)
    redis.stop()
    assert redis.process.poll() == 0
    redis.start_again()
