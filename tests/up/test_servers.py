"""Servers that stay up, from one session to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import no_fault
from harness.engine.laying.testbed import Testbed
from harness.faults.site import ServerChange
from harness.protocols.redis.server import RedisServer
from harness.suite import SuiteSettings
from harness.target import load_target
from harness.up.servers import UpServers
from tests.tiny import write_suite


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_suite(tmp_path_factory.mktemp("servers"))


def quiet(text: str) -> None:
    del text


def test_only_what_a_run_left_makes_the_servers_unsound(folder: Path) -> None:
    with UpServers(SuiteSettings(scenarios=folder / "scenarios")) as servers:
        bed = servers.bring_up(quiet)
        client, upstream = bed.stack.toxiproxy.client(), bed.stack.of(RedisServer).address
        assert servers.is_sound()
        for name in ("somebody_elses", "postgres-old", "cache-1"):
            client.create(name, upstream)
        assert servers.is_sound(), "they are no links of the target's"
        client.create("postgres-7", upstream)
        assert not servers.is_sound()
        client.delete("postgres-7")
        assert servers.is_sound()
        _changes_a_server(servers, folder / "logs")


def _changes_a_server(servers: UpServers, logs: Path) -> None:
    """The session borrows again: it gets others, for itself alone, and the log of the first ones is kept."""
    target = load_target(servers.target_file)
    with servers.lend(target, logs=logs, progress=quiet) as first:
        _say_in_the_log(first, "of the first")
        first.server_changes.append(ServerChange("redis", no_fault))
        assert not servers.is_sound()
    with servers.lend(target, logs=logs, progress=quiet) as second:
        assert second is not first
        assert first.stack.dead() is None
    assert "of-the-first" in (logs / "toxiproxy.log").read_text("utf-8")
    assert not servers.is_sound()
    assert servers.bring_up(quiet) is not first
    assert servers.is_sound()


def _say_in_the_log(bed: Testbed, words: str) -> None:
    client = bed.stack.toxiproxy.client()
    name = words.replace(" ", "-")
    client.create(name, bed.stack.of(RedisServer).address)
    client.delete(name)
