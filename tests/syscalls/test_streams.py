"""A child's send or receive gets the errno of a rule on a connection to its port, and on nothing else."""

from __future__ import annotations

import dataclasses
import errno
import json
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.errors import UsageError
from harness.processes.keeper import Keeper, KeptProcess
from harness.processes.syscalls import RECEIVES, SENDS, OpeningCall, OpeningRule, StreamCall, StreamRule, WatchedCall
from tests.keeper.support import python_spec, wait_for

TOLD = """
import json, os, socket, sys
def told(call, *arguments):
    try:
        result = call(*arguments)
    except OSError as error:
        return error.errno
    if isinstance(result, tuple):
        result[0].close()
    elif isinstance(result, socket.socket):
        result.close()
    return 0
"""
MOVES = (
    TOLD
    + """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
one, other = (socket.create_connection(("127.0.0.1", int(port))) for port in sys.argv[1:])
pair = socket.socketpair()
out, into = os.pipe()
for each in (one, other):
    each.send(b"xx")  # what comes back can be received, whatever is sent later
os.write(into, b"x")
print("ready", flush=True)
signal.sigwait({signal.SIGUSR1})
print(json.dumps({
    "send one": told(one.send, b"x"), "write one": told(os.write, one.fileno(), b"x"),
    "writev one": told(os.writev, one.fileno(), [b"x"]), "send other": told(other.send, b"x"),
    "pair": told(pair[0].send, b"x"), "pipe": told(os.write, into, b"x"), "closed": told(os.write, 999, b"x"),
    "receive one": told(one.recv, 1), "read one": told(os.read, one.fileno(), 1), "receive other": told(other.recv, 1),
    "read pipe": told(os.read, out, 1),
}))
"""
)
OPENS = (
    TOLD
    + """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
server, client = socket.create_server(("127.0.0.1", 0)), socket.socket()
client.connect(server.getsockname())
print("ready", flush=True)
signal.sigwait({signal.SIGUSR1})
print(json.dumps({
    "accept": told(server.accept), "tcp": told(socket.socket), "unix": told(socket.socket, socket.AF_UNIX),
    "udp": told(socket.socket, socket.AF_INET, socket.SOCK_DGRAM),
    "file": told(open, "wanted"), "another": told(open, "/dev/null"),
}))
"""
)
HEALTHY = {"accept": 0, "tcp": 0, "udp": 0, "unix": 0, "file": errno.ENOENT, "another": 0}


@contextmanager
def echoing() -> Iterator[int]:
    """A port that sends back what comes."""

    def echo(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(ConnectionResetError):  # the child leaves what it does not read
            while data := connection.recv(100):
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=echo, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def started(keeper: Keeper, folder: Path, program: str, *arguments: int, watched: Sequence[WatchedCall]) -> KeptProcess:
    spec = python_spec(folder, program, name="caller")
    argv = (*spec.argv, *map(str, arguments))
    return keeper.spawn(dataclasses.replace(spec, argv=argv, watched_calls=frozenset(watched)))


def told_by(process: KeptProcess) -> dict[str, int]:
    assert process.wait(30) == 0, process.log.read()
    found: dict[str, Any] = json.loads(process.log.read().splitlines()[-1])
    return found


@pytest.mark.parametrize(
    ("calls", "struck"),
    [(SENDS, {"send one", "write one", "writev one"}), (RECEIVES, {"receive one", "read one"})],
    ids=["send", "receive"],
)
def test_one_link_is_struck_and_nothing_else(
    keeper: Keeper, tmp_path: Path, calls: tuple[StreamCall, ...], struck: set[str]
) -> None:
    with ExitStack() as ports:
        one, other = ports.enter_context(echoing()), ports.enter_context(echoing())
        process = started(keeper, tmp_path, MOVES, one, other, watched=(*SENDS, *RECEIVES))
        assert wait_for(lambda: "ready" in process.log.read()), process.log.read()
        process.set_rules([StreamRule(id="r", calls=calls, port=one, errno=errno.EPIPE)])
        process.send_signal(signal.SIGUSR1)
        told = told_by(process)

    assert {name for name, number in told.items() if number == errno.EPIPE} == struck
    assert {name: number for name, number in told.items() if number not in (0, errno.EPIPE)} == {"closed": errno.EBADF}
    events = process.syscall_events()
    assert [(each.host, each.port, each.answer) for each in events] == [("127.0.0.1", one, errno.EPIPE)] * len(struck)
    assert not [each for each in Path(f"/proc/{keeper.pid}/fd").iterdir() if _is_tcp(each)]


def _is_tcp(descriptor: Path) -> bool:
    """Whether it is a TCP socket. The keeper has none of its own, but makes a duplicate for each look at one."""
    try:
        target = descriptor.readlink()
    except OSError:
        return False
    inode = str(target).partition("[")[2].rstrip("]")
    return inode in {line.split()[9] for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]}


@pytest.mark.parametrize(
    ("calls", "more", "changed"),
    [
        (("accept", "accept4"), {}, {"accept": errno.EMFILE}),
        (("socket",), {}, {"tcp": errno.EMFILE}),
        (("open", "openat"), {"path": "wan"}, {"file": errno.EMFILE}),
        (("open", "openat"), {"times": 1}, {"file": errno.EMFILE}),
        (("open", "openat"), {}, {"file": errno.EMFILE, "another": errno.EMFILE}),
    ],
    ids=["accept", "socket", "open", "open once", "open all"],
)
def test_one_kind_of_descriptor_is_not_to_be_had(
    keeper: Keeper, tmp_path: Path, calls: tuple[OpeningCall, ...], more: dict[str, Any], changed: dict[str, int]
) -> None:
    process = started(keeper, tmp_path, OPENS, watched=get_args(OpeningCall))
    assert wait_for(lambda: "ready" in process.log.read()), process.log.read()
    process.set_rules([OpeningRule(id="r", calls=calls, errno=errno.EMFILE, **more)])
    process.send_signal(signal.SIGUSR1)

    assert told_by(process) == {**HEALTHY, **changed}
    assert len(process.syscall_events()) == len(changed)


@pytest.mark.parametrize(
    ("port", "number", "times", "expected"),
    [
        (0, 1, None, "stream rule 'r': port = 0: not a port"),
        (1, 0, None, "errno = 0: not an error number"),
        (1, 1, 0, "times = 0: never applies"),
    ],
)
def test_a_rule_that_does_not_fit_is_told(port: int, number: int, times: int | None, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        StreamRule(id="r", calls=SENDS, port=port, errno=number, times=times)
