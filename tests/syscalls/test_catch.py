"""Every server that a process dials gets a port of its own, and what no server would accept stays as it is."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from harness.errors import UsageError
from harness.processes.syscalls import CatchRule, Caught
from tests.syscalls.support import Dialler, listening

ELSEWHERE = "192.0.2.7"  # TEST-NET-1 (RFC 5737): no machine has it


@contextmanager
def ports(count: int) -> Iterator[list[int]]:
    """Ports that accept: hops."""
    with ExitStack() as stack:
        yield [stack.enter_context(listening()) for _ in range(count)]


def led(dialler: Dialler) -> list[int | None]:
    return [event.led_to for event in dialler.events()]


@pytest.mark.parametrize("how", ["plain", "non_blocking", "in_asyncio", "in_grandchild"])
def test_each_server_has_a_port_and_keeps_it(dialler: Dialler, port: int, how: str) -> None:
    with listening("::1") as six, ports(3) as (one, two, three):
        dialler.process.set_rules([CatchRule(id="all", ports=(one, two))])
        for host, dialled in (("127.0.0.1", port), ("::1", six), ("127.0.0.1", port), ("::ffff:127.0.0.1", port)):
            assert dialler.dial(dialled, host=host, how=how) in (0, errno.EINPROGRESS)
        assert led(dialler) == [one, two, one, one]
        dialler.process.set_rules([CatchRule(id="all", ports=(three, one))])
        assert dialler.dial(port, how=how) in (0, errno.EINPROGRESS)
        assert dialler.dial(port, host="0.0.0.0", how=how) in (0, errno.EINPROGRESS)  # noqa: S104 - dialled
        assert led(dialler)[4:] == [one, one]


def test_what_nothing_accepts_is_refused_by_the_kernel_itself(dialler: Dialler) -> None:
    with ports(1) as (one,):
        dialler.process.set_rules([CatchRule(id="all", ports=(one,))])
        with listening() as server:
            assert dialler.dial(server, host="127.0.0.2") == errno.ECONNREFUSED  # it listens at another address
            assert dialler.dial(server) == 0
        assert dialler.dial(server) == errno.ECONNREFUSED
        assert dialler.dial(one) == errno.ECONNREFUSED  # the port stands for a server that is gone
        told = [(event.led_to, event.not_led, event.answer) for event in dialler.events()]
        nothing = (None, "nothing listens there", None)
        assert told == [nothing, (one, None, None), nothing, (None, None, errno.ECONNREFUSED)]


def test_a_program_that_dials_what_was_written_into_its_memory_reaches_the_same_server(
    dialler: Dialler, port: int
) -> None:
    with ports(2) as (one, two):
        dialler.process.set_rules([CatchRule(id="all", ports=(one, two))])
        assert [dialler.dial(port), dialler.dial(one)] == [0, 0]
        assert led(dialler) == [one, one]


def test_no_other_machine_is_led_unless_it_is_named(dialler: Dialler, port: int) -> None:
    with ports(1) as (one,):
        dialler.process.set_rules([CatchRule(id="all", ports=(one,))])
        dialler.dial(port, host=ELSEWHERE, how="non_blocking")
        dialler.process.set_rules([CatchRule(id="all", ports=(one,), machines=(ELSEWHERE,))])
        assert dialler.dial(port, host=ELSEWHERE) == 0
        assert [(event.led_to, event.not_led) for event in dialler.events()] == [(None, "another machine"), (one, None)]


def test_only_tcp_is_led_and_only_as_far_as_there_are_ports(dialler: Dialler, port: int) -> None:
    with listening() as other, ports(1) as (one,):
        dialler.process.set_rules([CatchRule(id="all", ports=(one,), known=(Caught(host="::1", port=9, to_port=8),))])
        dialler.dial(port, how="datagram")
        dialler.dial(0, host="/nowhere", how="local")
        assert [dialler.dial(port), dialler.dial(other)] == [0, 0]
        assert [(event.led_to, event.not_led) for event in dialler.events()] == [
            (None, None), (None, None), (one, None), (None, "no port is left"),
        ]  # fmt: skip


def test_a_known_server_has_its_port_from_the_start(dialler: Dialler, port: int) -> None:
    with ports(2) as (one, two):
        known = (Caught(host="127.0.0.1", port=port, to_port=two),)
        dialler.process.set_rules([CatchRule(id="all", ports=(one,), known=known)])
        assert dialler.dial(port) == 0
        assert led(dialler) == [two]


def test_a_socket_for_ipv6_only_is_led_too(dialler: Dialler) -> None:
    with listening("::1") as six, ports(1) as (one,):
        dialler.process.set_rules([CatchRule(id="all", ports=(one,))])
        assert dialler.dial(six, host="::1", how="ipv6_only") == 0
        assert led(dialler) == [one]


def test_a_rule_that_does_not_fit_is_told() -> None:
    with pytest.raises(UsageError, match="catch rule 'all': ports = 0: not a port"):
        CatchRule(id="all", ports=(0,))
    with pytest.raises(UsageError, match="host = 'localhost': not a numeric address"):
        CatchRule(id="all", ports=(), machines=("localhost",))
    with pytest.raises(UsageError, match="to_port = 70000: not a port"):
        Caught(host="::1", port=1, to_port=70000)
