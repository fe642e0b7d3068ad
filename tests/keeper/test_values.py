"""Logs and messages."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.processes.keeper import LogFile
from harness.processes.keeper.channel import Channel
from harness.processes.keeper.codec import decode, encode
from harness.processes.keeper.log import TAIL_BYTES_MAX
from harness.processes.keeper.messages import Called, Done, SetRules, Spawn
from harness.processes.syscalls import ConnectRule, FileRule, SyscallEvent

TEXT = st.text(st.characters(codec=None))  # lone surrogates too: what is not UTF-8 in an environment


@given(
    env=st.dictionaries(TEXT.filter(lambda name: "\0" not in name), TEXT),
    argv=st.lists(TEXT),
    rules=st.lists(st.builds(ConnectRule, id=TEXT, host=st.none(), port=st.just(1), errno=st.just(5))),
)
def test_an_order_survives_the_wire(env: dict[str, str], argv: list[str], rules: list[ConnectRule]) -> None:
    order = Spawn(
        request=1,
        child=2,
        argv=tuple(argv),
        env=env,
        cwd="/",
        log="log",
        as_user="same",
        watched_calls=("connect",),
        rules=tuple(rules),
        teardown_signal=9,
    )
    line = encode(order)
    assert line.count(b"\n") == 1
    assert decode(line) == order


def test_nested_values_survive_the_wire() -> None:
    event = SyscallEvent(
        seq=0, t_ns=1, call="connect", pid=2, tid=3, family=2, socket_type=1, host="::1", port=4, answer=5, rule_id="r"
    )
    rules = (
        ConnectRule(id="a", host="::1", port=1, errno=2, times=3),
        FileRule(id="b", calls=("fsync",), folder="/x", errno=5),
    )
    assert decode(encode(Called(child=1, event=event))) == Called(child=1, event=event)
    assert decode(encode(SetRules(request=1, child=1, rules=rules))) == SetRules(request=1, child=1, rules=rules)


def test_what_is_no_message_raises() -> None:
    with pytest.raises(KeyError):
        decode(json.dumps({"\0kind": "Unheard"}).encode())


def test_the_channel_keeps_what_could_not_be_sent_and_joins_what_came_apart() -> None:
    """A harness that does not read must not hold up the keeper, which has calls to answer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(ours)
        lines = [encode(Done(request=number)) for number in range(20_000)]
        for line in lines:
            channel.send(line)
        whole = sum(len(line) for line in lines)
        received = len(theirs.recv(1 << 24))
        assert received < whole
        while received < whole:
            channel.flush()
            received += len(theirs.recv(1 << 24))
        theirs.sendall(b"one\ntw")
        assert list(channel.receive()) == [b"one"]
        theirs.sendall(b"o\n")
        assert list(channel.receive()) == [b"two"]
        assert list(channel.receive()) == []
        assert not channel.closed
        theirs.close()
        assert list(channel.receive()) == []
        assert channel.closed


def test_a_log_not_begun_is_empty(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "none")
    assert (log.size(), log.read(), log.tail()) == (0, "", "")


def test_tail_of_a_long_log(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    log.path.write_text("x" * TAIL_BYTES_MAX + "\nlast but one\nlast\n")
    assert log.tail(2) == "last but one\nlast"
    assert len(log.tail(3)) <= TAIL_BYTES_MAX
