from __future__ import annotations

import pytest

from harness.addresses import HostPort
from harness.errors import UsageError
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack.servers.urls import checked_url, redacted


@pytest.mark.parametrize("host", ["10.1.2.3", "db.example", "127.0.0.1.example", "192.168.0.7", "[2001:db8::1]"])
def test_another_machine_is_refused_without_being_touched(host: str) -> None:
    with pytest.raises(UsageError, match="not this machine") as refused:
        PostgresServer.at_url(f"postgresql://postgres:secret@{host}:5432/postgres")
    assert f"allow exactly this host: --allow-host {host.strip('[]')}" in refused.value.hint
    with pytest.raises(UsageError, match="not this machine"):
        RedisServer.at_url(f"redis://{host}:6379")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "localhost"])
def test_this_machine_is_let_through(host: str) -> None:
    address = checked_url("redis", f"redis://{host}", schemes=("redis",), default_port=6379, allow_hosts=())
    assert (address.host, address.port) == (host.strip("[]"), 6379)


def test_a_host_is_allowed_by_its_exact_name_only() -> None:
    def check(host: str) -> None:
        checked_url("redis", f"redis://{host}", schemes=("redis",), default_port=1, allow_hosts={"db.example"})

    check("db.example")
    with pytest.raises(UsageError, match=r"closest valid: 'db\.example'"):
        check("db2.example")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgres+x://127.0.0.1", "unknown scheme 'postgres"),
        ("postgresql:///postgres", "names no host"),
        ("postgresql://127.0.0.1:99999/postgres", "[Pp]ort"),
        ("postgresql://127.0.0.1:many/postgres", "[Pp]ort"),
    ],
)
def test_a_broken_url_is_named_with_its_mend(url: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as refused:
        PostgresServer.at_url(url)
    assert "postgres = " in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:p@ss@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("redis://h/0", "redis://h/0"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_nobody_at_home_is_told_without_the_password() -> None:
    with pytest.raises(UsageError, match=r"no PostgreSQL answers at 127\.0\.0\.1:1: ") as refused:
        PostgresServer.at_url("postgresql://postgres:hunter2@127.0.0.1:1/postgres")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(UsageError, match=r"no Redis answers at 127\.0\.0\.1:1: ") as refused:
        RedisServer.at_url("redis://:hunter2@127.0.0.1:1/0")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.2", True), ("::1", True), ("::ffff:127.0.0.1", True), ("::", False), ("0.0.0.0", False), ("x", False)],  # noqa: S104  # an address to judge
)
def test_an_address_of_this_machine_alone(host: str, own: bool) -> None:
    assert HostPort(host, 1).is_loopback is own
