from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from bench.arms import Rounds
from bench.bulk_clients import RedisLine
from bench.crossings import added_to, url_at
from bench.faults import judged
from bench.idle_rules import ARMED, idle_rules
from bench.memory import from_status, peak_mib, resident_mib
from harness.addresses import HostPort
from harness.processes.keeper import Keeper
from harness.protocols.redis.server import RedisServer
from harness.search.recording.places import CellId
from harness.search.sweep.results import CellResult, CellVerdict
from harness.stack import Launch, private_folder


def test_what_is_added_is_more_than_direct_round_by_round() -> None:
    rounds = Rounds({"relay": {"us": [50.0, 90.0]}, "direct": {"us": [20.0, 40.0]}, "other": {"us": [80.0, 30.0]}})

    found = added_to(rounds, "direct", "us", base="relay")

    assert found.values == {"relay": {"us": [30.0, 50.0]}, "other": {"us": [60.0, -10.0]}}


def test_rounds_in_which_the_base_adds_nothing_are_left_out() -> None:
    rounds = Rounds({"relay": {"us": [50.0, 30.0]}, "direct": {"us": [20.0, 40.0]}})

    assert added_to(rounds, "direct", "us", base="relay").values == {"relay": {"us": [30.0]}}


def test_idle_rules_are_of_both_directions_and_differ() -> None:
    rules = idle_rules("hop")

    assert len({rule.id for rule in rules}) == ARMED == 16
    assert Counter(rule.match.direction for rule in rules) == {"sent": 8, "answered": 8}
    assert all(rule.match.text for rule in rules)


def test_an_address_takes_the_place_of_another() -> None:
    at = HostPort("127.0.0.1", 7)

    assert url_at("postgresql://me:s%40@10.0.0.1:5432/db", at) == "postgresql://me:s%40@127.0.0.1:7/db"
    assert url_at("postgresql://localhost/db", at) == "postgresql://127.0.0.1:7/db"


def test_memory_is_read_in_mebibytes() -> None:
    assert from_status("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t     512 kB\n", "VmRSS") == 0.5
    assert 0 < resident_mib(os.getpid()) <= peak_mib(os.getpid())
    with pytest.raises(ValueError, match="no VmRSS"):
        from_status("Name:\tkthreadd\n", "VmRSS")


def test_what_did_not_strike_is_not_judged() -> None:
    cell = CellId.parse("warm/postgres/sent/commit/Query/COMMIT/1/cut_before")
    results = [CellResult(cell=cell, verdict=verdict) for verdict in CellVerdict]

    assert judged(results) == len(CellVerdict) - 1


@pytest.fixture
def line() -> Iterator[RedisLine]:
    with (
        private_folder() as folder,
        Keeper.start() as keeper,
        RedisServer.start(Launch(keeper, folder)) as server,
        RedisLine(HostPort(server.host, server.port)) as line,
    ):
        yield line


def test_payloads_go_there_and_back_to_the_last_byte(line: RedisLine) -> None:
    line.set(b"x" * 100_000, 2)
    line.get(100_000, 2)
    line.get_at_once(100_000, 3)
    line.set(b"y" * 10, 1)  # an answer cut too short or too long would be taken for this one's

    assert not line.has_unread
