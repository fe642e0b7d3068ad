"""The pure parts: rules, addresses, the filter's own program, the rule book."""

from __future__ import annotations

import errno
import socket
import struct
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.processes.syscalls import ConnectRule, WatchedCall
from harness.processes.syscalls.calls import Call
from harness.processes.syscalls.destinations.address import SocketAddress, parse_address
from harness.processes.syscalls.install import program
from harness.processes.syscalls.linux.filter_h import BPF_JMP_JEQ_K, BPF_LD_W_ABS, BPF_RET_K, SOCK_FILTER
from harness.processes.syscalls.linux.seccomp_h import SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF
from harness.processes.syscalls.linux.unistd_h import ARCHITECTURES, Architecture
from harness.processes.syscalls.rule_book import RuleBook


@pytest.mark.parametrize(
    ("host", "port", "number", "times", "expected"),
    [
        ("localhost", 1, 22, None, "connect rule 'r': host = 'localhost': not a numeric address"),
        ("127.0.0.1", 0, 22, None, "port = 0: not a port"),
        ("127.0.0.1", 65536, 22, None, "port = 65536: not a port"),
        (None, 1, 0, None, "errno = 0: not an error number"),
        (None, 1, 4096, None, "errno = 4096: not an error number"),
        (None, 1, 22, 0, "times = 0: never applies"),
    ],
)
def test_a_rule_that_does_not_fit_is_told(
    host: str | None, port: int, number: int, times: int | None, expected: str
) -> None:
    with pytest.raises(UsageError) as caught:
        ConnectRule(id="r", host=host, port=port, errno=number, times=times)
    assert expected in str(caught.value)
    assert "mend: write" in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        (b"", SocketAddress(None)),
        (b"\2", SocketAddress(None)),
        (struct.pack("=H", socket.AF_INET), SocketAddress(socket.AF_INET)),
        (
            struct.pack("=H", socket.AF_INET) + b"\x18\xeb\x7f\0\0\1" + bytes(8),
            SocketAddress(socket.AF_INET, "127.0.0.1", 6379),
        ),
        (
            struct.pack("=H", socket.AF_INET6) + b"\x18\xeb" + bytes(4) + bytes(15) + b"\1" + bytes(4),
            SocketAddress(socket.AF_INET6, "::1", 6379),
        ),
        (struct.pack("=H", socket.AF_INET6) + bytes(14), SocketAddress(socket.AF_INET6)),
        (struct.pack("=H", socket.AF_UNIX) + b"/run/x\0", SocketAddress(socket.AF_UNIX, path="/run/x")),
        (struct.pack("=H", socket.AF_UNIX) + b"\0name", SocketAddress(socket.AF_UNIX, path="@name")),
    ],
)
def test_addresses_as_they_lie_in_memory(raw: bytes, address: SocketAddress) -> None:
    assert parse_address(raw) == address


def execute(code: bytes, *, number: int, audit_arch: int) -> int:
    """The few instructions of classic BPF that a filter is made of."""
    lines = list(SOCK_FILTER.iter_unpack(code))
    data = struct.pack("=II", number, audit_arch)
    at, loaded = 0, 0
    while True:
        operation, if_true, if_false, value = lines[at]
        at += 1
        if operation == BPF_LD_W_ABS:
            loaded = struct.unpack_from("=I", data, value)[0]
        elif operation == BPF_JMP_JEQ_K:
            at += if_true if loaded == value else if_false
        else:
            assert operation == BPF_RET_K
            return int(value)


FICTIONAL = Architecture(audit_arch=7, seccomp=1, watched={f"call{n}": 10 * n for n in range(9)})


@given(st.permutations(sorted(FICTIONAL.watched)), st.integers(0, 9), st.integers(0, 90), st.sampled_from([7, 8]))
def test_the_filter_reports_the_named_calls_of_this_machine_only(
    names: list[str], many: int, number: int, audit_arch: int
) -> None:
    chosen = names[:many]
    is_watched = audit_arch == 7 and number in {FICTIONAL.watched[name] for name in chosen}
    expected = SECCOMP_RET_USER_NOTIF if is_watched else SECCOMP_RET_ALLOW
    assert execute(program(FICTIONAL, chosen), number=number, audit_arch=audit_arch) == expected


def test_every_architecture_knows_the_same_calls() -> None:
    every = frozenset(get_args(WatchedCall))
    lacking = {name: every ^ frozenset(machine.watched) for name, machine in ARCHITECTURES.items()}
    assert lacking == {"x86_64": frozenset(), "aarch64": {"open"}}  # every program there opens by openat


def call(port: int, *, socket_type: int | None = socket.SOCK_STREAM) -> Call:
    address = SocketAddress(socket.AF_INET, "127.0.0.1", port)
    return Call(name="connect", pid=1, tid=1, address=address, socket_type=socket_type)


def test_choosing_a_rule_uses_nothing_up_until_it_is_counted() -> None:
    once = ConnectRule(id="once", host=None, port=1, errno=errno.EINVAL, times=1)
    always = ConnectRule(id="always", host=None, port=1, errno=errno.EIO)
    book = RuleBook([once, always])
    assert book.choose(call(1)).rule is once
    assert book.choose(call(1)).rule is once
    book.count(once)
    assert book.choose(call(1)).rule is always
    book.count(always)
    assert book.choose(call(1)).rule is always
    assert book.choose(call(2)).rule is None


def test_an_unknown_socket_type_counts_as_a_stream() -> None:
    """Where the kernel cannot tell it (before Linux 5.6), rules still work."""
    book = RuleBook([ConnectRule(id="r", host=None, port=1, errno=errno.EINVAL)])
    assert book.choose(call(1, socket_type=None)).rule is not None
    assert book.choose(call(1, socket_type=socket.SOCK_DGRAM)).rule is None
