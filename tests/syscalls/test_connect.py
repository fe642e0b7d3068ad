"""An unmodified child's connect() gets the errno of a rule, and nothing else does."""

from __future__ import annotations

import dataclasses
import errno
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper, ProcessSpec
from harness.processes.syscalls import ConnectRule, LeadRule, SyscallEvent
from harness.processes.syscalls.rules import Transport
from tests.keeper.support import python_spec, running, shell_spec, wait_for
from tests.syscalls.support import Dialler, listening, start_dialler


def rule(port: int, number: int = errno.EINVAL, *, host: str | None = None, times: int | None = None) -> ConnectRule:
    return ConnectRule(id=f"rule-{number}", host=host, port=port, errno=number, times=times)


def test_errnos_follow_the_rules_and_success_follows_their_end(dialler: Dialler, port: int) -> None:
    with listening() as other:
        for number in (errno.EINVAL, errno.ETIMEDOUT):
            dialler.process.set_rules([rule(port, number)])
            assert dialler.dial(port) == number
            assert dialler.dial(other) == 0
        dialler.process.set_rules([])
        assert dialler.dial(port) == 0


def test_events_tell_all_that_was_called_in_order(dialler: Dialler, port: int) -> None:
    before_ns = time.monotonic_ns()
    dialler.process.set_rules([rule(port)])
    dialler.dial(port)
    dialler.process.set_rules([])
    dialler.dial(port)
    dialler.dial(0, host="/nowhere", how="local")
    events = dialler.events()
    pid = dialler.process.pid
    common = {"call": "connect", "pid": pid, "tid": pid, "socket_type": socket.SOCK_STREAM, "led_to": None}
    common |= {"not_led": None, "path": None}
    inet = {**common, "family": socket.AF_INET, "host": "127.0.0.1", "port": port}
    unix = {**common, "family": socket.AF_UNIX, "host": None, "port": None, "answer": None, "rule_id": None}
    unix["path"] = "/nowhere"
    assert [without_time(event) for event in events] == [
        {**inet, "seq": dialler.start, "answer": errno.EINVAL, "rule_id": "rule-22"},
        {**inet, "seq": dialler.start + 1, "answer": None, "rule_id": None},
        {**unix, "seq": dialler.start + 2},
    ]
    times = [before_ns, *(event.t_ns for event in events), time.monotonic_ns()]
    assert times == sorted(set(times))
    assert dialler.process.syscall_events(since=dialler.start + 2) == events[2:]


def without_time(event: SyscallEvent) -> dict[str, object]:
    fields = dataclasses.asdict(event)
    del fields["t_ns"]
    return fields


def test_callbacks_hear_each_call_until_they_leave(dialler: Dialler, port: int) -> None:
    heard: list[int | None] = []
    leave = dialler.process.on_syscall(lambda event: heard.append(event.port))
    dialler.dial(port)
    dialler.process.syscall_events()
    leave()
    dialler.dial(port)
    dialler.process.syscall_events()
    assert heard == [port]


@pytest.mark.parametrize(
    ("host", "dialled", "number"),
    [
        ("127.0.0.1", "127.0.0.1", errno.EIO),
        ("127.0.0.2", "127.0.0.1", 0),
        (None, "127.0.0.1", errno.EIO),
        ("::1", "::1", errno.EIO),
        ("0:0:0:0:0:0:0:1", "::1", errno.EIO),
        ("127.0.0.1", "::1", 0),
        (None, "::1", errno.EIO),
        ("127.0.0.1", "::ffff:127.0.0.1", errno.EIO),
    ],
)
def test_host_of_the_rule(dialler: Dialler, host: str | None, dialled: str, number: int) -> None:
    with listening("::1" if dialled == "::1" else "127.0.0.1") as port:
        dialler.process.set_rules([rule(port, errno.EIO, host=host)])
        assert dialler.dial(port, host=dialled) == number
    (event,) = dialler.events()
    assert (event.host, event.answer) == (dialled, number or None)


def test_times_counts_down_then_the_next_rule_has_its_turn(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([rule(port, errno.EINVAL, times=2), rule(port, errno.ETIMEDOUT, times=1)])
    assert [dialler.dial(port) for _ in range(4)] == [errno.EINVAL, errno.EINVAL, errno.ETIMEDOUT, 0]


def test_times_counts_threads_together(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([rule(port, errno.EINVAL, times=3)])
    assert dialler.dial(port, how="in_threads") == [0] * 5 + [errno.EINVAL] * 3
    events = dialler.events()
    assert len(events) == 8
    assert {event.pid for event in events} == {dialler.process.pid}
    assert dialler.process.pid not in {event.tid for event in events}


def test_a_grandchild_is_under_the_same_rules(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([rule(port)])
    assert dialler.dial(port, how="in_grandchild") == errno.EINVAL
    (event,) = dialler.events()
    assert event.pid not in (dialler.process.pid, os.getpid())


def test_asyncio_and_non_blocking_connects(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([rule(port, errno.ETIMEDOUT)])
    assert dialler.dial(port, how="in_asyncio") == errno.ETIMEDOUT
    assert dialler.dial(port, how="non_blocking") == errno.ETIMEDOUT
    dialler.process.set_rules([])
    assert dialler.dial(port, how="in_asyncio") == 0
    assert dialler.dial(port, how="non_blocking") in (0, errno.EINPROGRESS)


def test_datagram_sockets_pass_and_use_nothing_up(dialler: Dialler, port: int) -> None:
    """A name lookup connects such sockets to the very address and port, to sort its results."""
    dialler.process.set_rules([rule(port, times=1)])
    assert dialler.dial(port, how="datagram") == 0
    assert dialler.dial(port) == errno.EINVAL
    assert [event.socket_type for event in dialler.events()] == [
        socket.SOCK_DGRAM,
        socket.SOCK_STREAM,
    ]


def test_nonsense_gets_the_kernels_own_answer(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([rule(port)])
    assert dialler.dial(port, how="bad_pointer") == [errno.EFAULT, errno.EFAULT, errno.EBADF]
    assert [event.family for event in dialler.events()] == [None, None, socket.AF_UNSPEC]
    assert dialler.dial(port) == errno.EINVAL


def test_two_children_have_rules_of_their_own(keeper: Keeper, dialler: Dialler, port: int, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    folder.mkdir()
    with start_dialler(keeper, folder) as second:
        second.process.set_rules([rule(port, errno.EIO)])
        dialler.process.set_rules([rule(port, errno.EINVAL)])
        assert (dialler.dial(port), second.dial(port)) == (errno.EINVAL, errno.EIO)
        second.process.stop()
        assert dialler.dial(port) == errno.EINVAL


REDIS = """
import os, sys, redis
from redis.backoff import NoBackoff
from redis.retry import Retry
client = redis.Redis("127.0.0.1", int(sys.argv[1]), retry=Retry(NoBackoff(), 0))
try:
    client.ping()
except redis.ConnectionError as error:
    print(error)
"""


def test_redis_says_what_the_incident_said(keeper: Keeper, tmp_path: Path, port: int) -> None:
    spec = watched(python_spec(tmp_path, REDIS), str(port))
    process = keeper.spawn(dataclasses.replace(spec, rules=(rule(port),)))
    assert process.wait(30) == 0, process.log.read()
    assert process.log.read() == f"Error 22 connecting to 127.0.0.1:{port}. Invalid argument.\n"
    assert [event.answer for event in process.syscall_events() if event.port == port] == [errno.EINVAL]


def watched(spec: ProcessSpec, *arguments: str) -> ProcessSpec:
    return dataclasses.replace(spec, argv=(*spec.argv, *arguments), watched_calls=frozenset({"connect"}))


STORM = """
import signal, socket, sys
port, calls, interrupted = int(sys.argv[1]), int(sys.argv[2]), len(sys.argv) > 3
if interrupted:
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
refused = 0
print("storm", flush=True)
for _ in range(calls):
    with socket.socket() as s:
        refused += s.connect_ex(("127.0.0.1", port)) == 5
signal.setitimer(signal.ITIMER_REAL, 0)
print(refused, flush=True)
"""


def test_signals_lose_no_answer_and_double_none(keeper: Keeper, tmp_path: Path, port: int) -> None:
    """A call that a signal takes back is made again by the kernel: it must count once."""
    spec = watched(python_spec(tmp_path, STORM), str(port), "300", "interrupted")
    process = keeper.spawn(dataclasses.replace(spec, rules=(rule(port, errno.EIO, times=200),)))
    assert process.wait(30) == 0, process.log.read()
    assert process.log.read() == "storm\n200\n"
    answers = [event.answer for event in process.syscall_events() if event.port == port]
    assert answers[:200] == [errno.EIO] * 200
    assert answers.count(errno.EIO) == 200
    assert answers.count(None) >= 100  # one let through and interrupted then is made, and reported, again


def test_killed_in_a_call_harms_nobody(keeper: Keeper, dialler: Dialler, tmp_path: Path, port: int) -> None:
    rules = (rule(port, errno.EIO),)
    spec = watched(python_spec(tmp_path, STORM), str(port), "1000000")
    held_before = descriptors(keeper)
    for _ in range(5):
        process = keeper.spawn(dataclasses.replace(spec, rules=rules))
        heard = threading.Event()
        process.on_syscall(lambda event, heard=heard: heard.set() if event.port == port else None)  # type: ignore[misc]  # a default binds the loop's value
        assert heard.wait(20)
        assert process.stop(signum=signal.SIGKILL) == -signal.SIGKILL
    assert dialler.dial(port) == 0
    assert wait_for(lambda: descriptors(keeper) == held_before), "listeners of the dead are still held"


def descriptors(keeper: Keeper) -> int:
    return len(list(Path(f"/proc/{keeper.pid}/fd").iterdir()))


def test_rules_outlive_the_process_in_its_descendants(keeper: Keeper, tmp_path: Path, port: int) -> None:
    orphan = f"while [ ! -e go ]; do sleep 0.02; done; exec {sys.executable} -c '{STORM}' {port} 3"
    spec = dataclasses.replace(shell_spec(tmp_path, f"({orphan}) & exit 0"), watched_calls=frozenset({"connect"}))
    process = keeper.spawn(spec)
    assert process.wait(20) == 0
    process.set_rules([rule(port, errno.EIO)])
    (tmp_path / "go").touch()
    assert wait_for(lambda: process.log.read() == "storm\n3\n"), process.log.read()


def test_a_dead_keeper_leaves_what_it_reported(tmp_path: Path, port: int) -> None:
    with Keeper.start() as keeper, start_dialler(keeper, tmp_path) as dialler:
        dialler.dial(port)
        events = dialler.events()
        os.kill(keeper.pid, signal.SIGKILL)
        assert dialler.process.wait(20) == -signal.SIGKILL
        assert wait_for(lambda: not keeper.alive)
        assert dialler.events() == events
        with pytest.raises(HarnessError, match="the keeper has ended"):
            dialler.process.set_rules([])
        assert wait_for(lambda: not running(dialler.process.pid))


def lead(port: int, to_port: int, *, host: str | None = None, transport: Transport = "stream") -> LeadRule:
    return LeadRule(id="lead", host=host, port=port, to_port=to_port, transport=transport)


@pytest.mark.parametrize("how", ["plain", "non_blocking", "in_asyncio", "in_grandchild"])
def test_a_connect_is_led_elsewhere(dialler: Dialler, port: int, how: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        dialler.process.set_rules([lead(port, other.getsockname()[1], host="127.0.0.9")])
        assert dialler.dial(port, host="127.0.0.9", how=how) in (0, errno.EINPROGRESS)
        other.settimeout(20)
        other.accept()[0].close()
        event = dialler.events()[-1]
        assert (event.host, event.port, event.answer, event.rule_id) == ("127.0.0.9", port, None, "lead")


def test_only_connects_of_its_transport_and_host_are_led(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([lead(port, 1, host="127.0.0.9"), lead(port, 1, transport="datagram")])
    assert dialler.dial(port) == 0
    assert dialler.dial(port, how="datagram") == 0
    assert [event.rule_id for event in dialler.events()] == [None, "lead"]


def test_what_fails_is_not_led(dialler: Dialler, port: int) -> None:
    dialler.process.set_rules([lead(1, port), rule(1)])
    assert dialler.dial(1) == errno.EINVAL


def test_an_ipv6_address_is_led_too(dialler: Dialler, port: int) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    dialler.process.set_rules([lead(1, port)])
    assert dialler.dial(1, host="::1") in (0, errno.EAFNOSUPPORT)
