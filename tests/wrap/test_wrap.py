"""`harness wrap`: a program with its children behind the relay, and what is said of it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.addresses import HostPort
from harness.present.terminal.views.search.wrap import wrap_lines
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.relay import KindOfMessage
from harness.stack import Stack
from harness.wrap.observed import PassedBy, SeenConnections, ServerSeen
from harness.wrap.wrapping import Command, Wrapper, wrapper
from tests.wrap.support import HARNESS, WITHIN_S, Wrapping, python, wrap

PROGRAM = """
import asyncio, os, subprocess, sys
import asyncpg, redis

async def work():
    pool = await asyncpg.create_pool(os.environ["PG"], min_size=2, max_size=2)
    async with pool.acquire() as connection, connection.transaction():
        print(await connection.fetchval("SELECT 41 + 1"), flush=True)
    await pool.close()

asyncio.run(work())
code = "import os, redis; redis.from_url(os.environ['REDIS']).ping()"
subprocess.run(["/bin/sh", "-c", '"$0" -c "$1" & wait', sys.executable, code], check=True)
if os.fork() == 0:
    redis.from_url(os.environ["REDIS"]).ping()
    os._exit(0)
os.wait()
print(sys.stdin.read(), file=sys.stderr)
sys.exit(7)
"""


def test_a_program_its_children_and_theirs_are_relayed_and_nothing_of_it_changes(stack: Stack, tmp_path: Path) -> None:
    env = {
        "PG": stack.of(PostgresServer).url().replace("127.0.0.1", "localhost"),
        "REDIS": stack.of(RedisServer).url(),
    }
    found = wrap("--", *python(PROGRAM), cwd=tmp_path, env=env, given="given")
    assert (found.returncode, found.stdout) == (7, "42\n"), found.stderr
    assert found.stderr.startswith("given\n")
    postgres, redis = stack.of(PostgresServer).address, stack.of(RedisServer).address
    told = found.stderr.splitlines()[1:]
    assert told[0] == "harness wrap: 2 servers behind the relay"
    assert f"  PostgreSQL at {postgres}; 2 connections; " in told[1]
    assert "1 BEGIN" in told[1]
    assert f"  Redis at {redis}; 2 connections; " in told[2]
    assert "2 PING" in told[2]


def test_a_signal_that_ends_the_command_is_told_as_shells_tell_it(wrapping: Wrapping) -> None:
    found = wrapping("--", "/bin/sh", "-c", "kill -TERM $$")
    assert found.returncode == 128 + signal.SIGTERM
    assert found.stderr == "harness wrap: 0 servers behind the relay\n"


def test_a_command_that_is_not_there_is_told(wrapping: Wrapping) -> None:
    found = wrapping("--", "no-such-program")
    assert found.returncode == 3
    assert "cannot run 'no-such-program'" in found.stderr


def test_a_host_that_has_no_address_is_a_mistake_of_usage(wrapping: Wrapping) -> None:
    found = wrapping("--host", "no-such-host.invalid", "--", "true")
    assert found.returncode == 4
    assert "--host = 'no-such-host.invalid'" in found.stderr


def test_a_command_that_does_not_end_in_its_time_is_killed(tmp_path: Path) -> None:
    async def play(made: Wrapper) -> tuple[int | None, int | None]:
        command = Command(argv=["/bin/sleep", "600"], cwd=tmp_path, env={})
        async with made.caught(command) as catching:
            await catching.lay()
            running = await made.run(command, catching, log=tmp_path / "log")
            return await running.wait(0.01), running.process.poll()

    with wrapper() as made:
        assert asyncio.run(play(made)) == (None, -signal.SIGKILL)


def test_output_to_a_file_comes_after_what_is_in_it(tmp_path: Path) -> None:
    """Not over it: the shell that runs the harness writes to the same file."""
    script = 'cd "$0"; (echo before; "$1" -m harness wrap -- echo within; echo after) > "$2"'
    out = tmp_path / "out"
    command = ["/bin/sh", "-c", script, str(HARNESS), sys.executable, str(out)]
    subprocess.run(command, check=True, timeout=WITHIN_S)
    assert out.read_text() == "before\nwithin\nafter\n"


def kind(message: str, word: str, count: int, *, runs: bool = True) -> KindOfMessage:
    return KindOfMessage("sent", message, word, runs, count)


AT = HostPort("127.0.0.1", 5432)


@pytest.mark.parametrize(
    ("server", "lines"),
    [
        (
            ServerSeen(name="a", address=AT, protocol="postgres", connects=1,
                       kinds=[kind("Execute", f"W{n}", 20 - n) for n in range(10)] + [kind("Sync", "", 9, runs=False)]),
            [("  PostgreSQL at 127.0.0.1:5432; 1 connection; 155 statements (20 W0, 19 W1, 18 W2, 17 W3, 16 W4, 15 W5,"
              " 14 W6, 13 W7, 23 others)")],
        ),
        (
            ServerSeen(name="a", address=AT, protocol="tcp", connects=2, begins_in_tls=True),
            ["  TCP server at 127.0.0.1:5432; 2 connections",
             "    not understood: it begins in TLS, so only whole connections can be broken"],
        ),
        (
            ServerSeen(name="a", address=AT, protocol="postgres", connects=2,
                       kinds=[kind("SSLAnswer", "", 1, runs=False), kind("garbage", "", 2, runs=False)]),
            ["  PostgreSQL at 127.0.0.1:5432; 2 connections",
             "    not understood: they agreed on TLS; turn it off to read it (sslmode=disable, or PGSSLMODE=disable)"],
        ),
        (
            ServerSeen(name="a", address=AT, protocol="redis", connects=2, kinds=[kind("garbage", "", 1, runs=False)]),
            ["  Redis at 127.0.0.1:5432; 2 connections", "    not understood: the rest of 1 connection direction"],
        ),
        (
            ServerSeen(name="a", address=AT, protocol="tcp", connects=1, kinds=[kind("Stream", "", 4, runs=False)]),
            ["  TCP server at 127.0.0.1:5432; 1 connection",
             "    not understood: a protocol that the harness does not know, whose bytes are relayed as they come"],
        ),
        (
            ServerSeen(name="a", address=AT, protocol="postgres", connects=1,
                       kinds=[kind("SSLRequest", "", 1, runs=False), kind("SSLAnswer", "", 1, runs=False)]),
            ["  PostgreSQL at 127.0.0.1:5432; 1 connection"],
        ),
        (
            ServerSeen(name="a", address=AT, connects=3),
            ["  a server to which nothing was said at 127.0.0.1:5432; 3 connections"],
        ),
    ],
)  # fmt: skip
def test_what_was_seen_of_a_server(server: ServerSeen, lines: list[str]) -> None:
    assert texts(SeenConnections(servers=[server])) == ["harness wrap: 1 server behind the relay", *lines]


def test_what_went_by_the_relay_is_told(tmp_path: Path) -> None:
    passed = [PassedBy(AT, "nothing listens there", 1), PassedBy(HostPort("192.0.2.7", 1), "another machine", 2)]
    local = {str(tmp_path / "gone"): 1, "@name": 2, "/var/run/nscd/socket": 3}
    assert texts(SeenConnections(passed=passed, local=local))[1:] == [
        "  not relayed: 127.0.0.1:5432, 1 connect: nothing listens there",
        "  not relayed: 192.0.2.7:1, 2 connects: another machine; --host ADDRESS has it relayed",
        "  not relayed: @name, 2 connects: a Unix socket, which cannot be led; have the program connect to 127.0.0.1",
    ]


def texts(saw: SeenConnections) -> list[str]:
    return ["".join(text for text, _ in line) for line in wrap_lines(saw)]


def test_the_page_shows_what_is_said() -> None:
    asked = {"SELECT": 4, "BEGIN": 3, "COMMIT": 3, "INSERT": 2, "UPDATE": 2}
    postgres = ServerSeen(
        name="a",
        address=AT,
        protocol="postgres",
        connects=3,
        kinds=[kind("Execute", word, n) for word, n in asked.items()],
    )
    commands = [kind("Command", word, n) for word, n in (("CLIENT", 3), ("HELLO", 1), ("GET", 1), ("SET", 1))]
    redis = ServerSeen(name="b", address=HostPort("127.0.0.1", 6379), protocol="redis", connects=1, kinds=commands)
    passed = PassedBy(HostPort("127.0.0.1", 9200), "nothing listens there", 2)
    shown = "\n".join(texts(SeenConnections(servers=[postgres, redis], passed=[passed])))
    assert f"```text\n{shown}\n```" in (HARNESS / "docs" / "wrap.md").read_text("utf-8")
