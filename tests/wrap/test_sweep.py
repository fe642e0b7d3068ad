"""`harness wrap --sweep` over small programs that talk to real servers."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import Stack
from harness.wrap.sweep.outcomes import outcomes_in
from tests.keeper.support import wait_for
from tests.wrap.support import HARNESS, WITHIN_S, Wrapping, python

PROGRAM = """
import os, socket, sys

class Lost(OSError):
    pass

def asks(*words):
    with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as link:
        link.sendall(b"*%d\\r\\n" % len(words) + b"".join(b"$%d\\r\\n%s\\r\\n" % (len(w), w) for w in words))
        answer = link.recv(1000)
    if not answer or answer.startswith(b"-"):
        raise Lost(f"no answer to {words[0].decode()}")
    return answer

with socket.create_server(("127.0.0.1", 0)) as quiet:  # nothing is said to it, so that it is no server of a protocol
    socket.create_connection(quiet.getsockname()).close()
asks(b"SET", b"a", b"b")
try:
    asks(b"GET", b"a")
except OSError as problem:
    print("goes on:", problem)
"""
TESTS = """
import os, asyncpg, pytest_asyncio, pytest

@pytest.mark.asyncio
async def test_an_order_is_placed():
    connection = await asyncpg.connect(os.environ["PG"])
    async with connection.transaction():
        await connection.execute("CREATE TEMPORARY TABLE orders (item text) ON COMMIT DROP")
        await connection.execute("INSERT INTO orders VALUES ($1)", "tea")
    await connection.close()

def test_another():
    pass
"""


@pytest.fixture
def port(stack: Stack) -> str:
    return str(stack.of(RedisServer).port)


def results(folder: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((folder / ".results" / "latest" / "wrap.json").read_text("utf-8"))
    return found


def test_each_statement_is_broken_in_each_way_and_what_changed_is_told(
    wrapping: Wrapping, tmp_path: Path, port: str
) -> None:
    found = wrapping("--sweep", "--", *python(PROGRAM), env={"PORT": port})
    assert found.returncode == 1, found.stdout + found.stderr
    told = results(tmp_path)
    verdicts = {cell["id"]: cell["verdict"] for cell in told["cells"]}
    changed = {"redis/SET a value/1/answer_lost", "redis/SET a value/1/cut_before", "redis/SET a value/1/error"}
    assert {name for name, verdict in verdicts.items() if verdict == "failed"} == {*changed, "redis/refused"}
    assert {name for name, verdict in verdicts.items() if verdict == "held"} == {
        "redis/GET a/1/answer_lost", "redis/GET a/1/cut_before", "redis/GET a/1/error",
        "redis/GET a/1/delay", "redis/SET a value/1/delay",
    }  # fmt: skip
    assert all(cell["evidence"] for cell in told["cells"])
    evidence = {cell["id"]: cell["evidence"] for cell in told["cells"]}
    assert evidence["redis/refused"] == ["1 connect led to the relay, which refused it"]
    assert (told["complete"], told["exit_status"], told["left_out"], told["tests"]) == (True, 1, [], None)
    assert "Lost: no answer to SET" in found.stdout
    assert "2 findings in 4 places" in found.stdout
    assert "9 of 9 breaks tried: 5 held, 4 failed, 0 inconclusive" in found.stdout
    folder = tmp_path / ".results" / "latest"
    junit = outcomes_in(folder / "junit.xml")
    assert junit is not None
    assert set(junit.reasons) == {f"wrap.redis::{name}" for name in (*changed, "redis/refused")}
    page = (folder / "wrap.html").read_text("utf-8").replace("<wbr>", "")  # a narrow screen breaks ids there
    assert "redis/SET a value/1/answer_lost" in page
    assert len(list((folder / "logs").glob("*.log"))) == 6  # two unbroken runs, and what changed


def test_pytest_tells_which_test_failed_for_which_commit(wrapping: Wrapping, tmp_path: Path, stack: Stack) -> None:
    (tmp_path / "test_orders.py").write_text(TESTS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_orders.py"]
    env = {"PG": stack.of(PostgresServer).url()}
    found = wrapping("--sweep", "--only", "COMMIT/1/answer_lost", "--", *command, env=env)
    assert found.returncode == 1, found.stdout + found.stderr
    told = results(tmp_path)
    [cell] = told["cells"]
    assert (cell["id"], cell["verdict"], told["tests"]) == ("postgres/COMMIT/1/answer_lost", "failed", 2)
    assert list(cell["tests"]) == ["test_orders::test_an_order_is_placed"]
    assert "ConnectionDoesNotExistError" in cell["reason"]
    assert "COMMIT" in cell["evidence"][0]
    assert cell["cause"] == {
        "check": "a test failed", "symptom": cell["cause"]["symptom"], "where": ["postgres"],
    }  # fmt: skip
    assert "--sweep --only 'postgres/COMMIT/1/answer_lost' -- " in found.stdout


SKIPS = """
import os, socket, pytest

@pytest.fixture
def redis():
    with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as link:
        link.sendall(b"*1\\r\\n$4\\r\\nPING\\r\\n")
        if not link.recv(100):
            pytest.skip("Redis is not there")
        yield link

def test_with_redis(redis):
    pass
"""


def test_a_test_that_is_skipped_where_it_passed_is_no_result_as_before(
    wrapping: Wrapping, tmp_path: Path, port: str
) -> None:
    (tmp_path / "test_skips.py").write_text(SKIPS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_skips.py"]
    found = wrapping("--sweep", "--only", "PING/1/answer_lost", "--", *command, env={"PORT": port})
    assert found.returncode == 1, found.stdout + found.stderr
    [cell] = results(tmp_path)["cells"]
    assert (cell["verdict"], cell["reason"]) == ("failed", "test_skips::test_with_redis: it was skipped")
    assert cell["cause"]["check"] == "a test was not run"


def test_an_unbroken_command_that_fails_stops_it_in_words(wrapping: Wrapping, tmp_path: Path) -> None:
    found = wrapping("--sweep", "--", "/bin/sh", "-c", "echo ValueError: so it is; exit 9")
    assert found.returncode == 3
    assert "the first run, in which nothing is broken, ends with status 9: ValueError: so it is" in found.stderr
    assert results(tmp_path)["cells"] == []


REPORT = """
if [ -e again ]; then touch thrice; fi; touch again
test -e thrice && tag='<failure message="no"/>'
echo "<testsuite><testcase name='one'>$tag</testcase></testsuite>" > report.xml
"""


def test_two_unbroken_runs_that_differ_stop_it_in_words(wrapping: Wrapping) -> None:
    found = wrapping("--sweep", "--junit", "report.xml", "--", "/bin/sh", "-c", REPORT)
    assert found.returncode == 3
    assert "two runs in which nothing is broken differ: one" in found.stderr


def test_a_command_that_asks_nothing_is_no_success(wrapping: Wrapping) -> None:
    found = wrapping("--sweep", "--", "true")
    assert found.returncode == 5
    assert "0 of 0 breaks tried" in found.stdout


UNSTEADY = PROGRAM.replace(
    'asks(b"SET", b"a", b"b")',
    """
runs = open("runs", "a+"); runs.write("x"); runs.flush(); runs.seek(0)
if len(runs.read()) < 3:
    asks(b"SET", b"a", b"b")
""",
)


SPEAKS = """
import socket
from threading import Thread

def greet():
    link, _ = server.accept()
    with link:
        link.sendall(b"220 hello\\r\\n")

with socket.create_server(("127.0.0.1", int("PORT"))) as server:
    Thread(target=greet, daemon=True).start()
    with socket.create_connection(server.getsockname()) as link:
        assert link.recv(100)
"""


def test_what_could_not_be_read_is_left_out_in_words(wrapping: Wrapping) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    found = wrapping("--sweep", "--", *python(SPEAKS.replace("PORT", port)))
    assert found.returncode == 1, found.stdout + found.stderr
    assert "failed        tcp/refused" in found.stdout
    assert "what tcp was asked and could not be read: not a protocol that the harness knows" in found.stdout


def test_a_break_that_did_not_bite_is_inconclusive(wrapping: Wrapping, tmp_path: Path, port: str) -> None:
    found = wrapping("--sweep", "--only", "SET a value/1/cut", "--", *python(UNSTEADY), env={"PORT": port})
    assert found.returncode == 3, found.stdout + found.stderr
    [cell] = results(tmp_path)["cells"]
    assert (cell["verdict"], cell["evidence"]) == ("inconclusive", [])
    assert cell["reason"].startswith("the statement did not come in this run")


def test_what_the_budget_does_not_reach_is_named(wrapping: Wrapping, port: str) -> None:
    found = wrapping("--sweep", "--budget", "0.001s", "--", *python(PROGRAM), env={"PORT": port})
    assert found.returncode == 5
    assert "left out: 9 breaks for lack of time (--budget): redis/refused" in found.stdout


@pytest.mark.parametrize("budget", ["0s", "ten", "5d"])
def test_a_budget_that_is_no_time_is_a_mistake_of_usage(wrapping: Wrapping, budget: str) -> None:
    found = wrapping("--sweep", "--budget", budget, "--", "true")
    assert found.returncode == 4
    assert "is not a time such as 90s, 10m or 1h" in found.stderr


STAYS = "import time; open('begun', 'w').close(); time.sleep(600)"


def test_an_interruption_ends_command_and_sweep(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "wrap", "--sweep", "--", *python(STAYS)]
    with subprocess.Popen(command, cwd=tmp_path, env={"PYTHONPATH": str(HARNESS), "PATH": "/usr/bin:/bin"}) as process:
        try:
            assert wait_for((tmp_path / "begun").exists, within_s=WITHIN_S)
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 2
        finally:
            process.kill()
    assert results(tmp_path)["complete"] is False
