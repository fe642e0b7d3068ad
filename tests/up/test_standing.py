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
from harness.up.standing import Standing
from tests.tiny import write_suite


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_suite(tmp_path_factory.mktemp("standing"))


def quiet(text: str) -> None:
    del text


def test_only_what_a_run_left_makes_the_servers_unsound(folder: Path) -> None:
    with Standing(SuiteSettings(scenarios=folder / "scenarios")) as standing:
        bed = standing.bring_up(quiet)
        client, upstream = bed.stack.toxiproxy.client(), bed.stack.of(RedisServer).address
        assert standing.is_sound()
        for name in ("somebody_elses", "postgres-old", "cache-1"):
            client.create(name, upstream)
        assert standing.is_sound(), "they are no links of the target's"
        client.create("postgres-7", upstream)
        assert not standing.is_sound()
        client.delete("postgres-7")
        assert standing.is_sound()
        _changes_a_server(standing, folder / "logs")


def _changes_a_server(standing: Standing, logs: Path) -> None:
    """The session borrows again: it gets others, for itself alone, and the log of the first ones is kept."""
    target = load_target(standing.target_file)
    with standing.lend(target, logs=logs, progress=quiet) as first:
        _say_in_the_log(first, "of the first")
        first.server_changes.append(ServerChange("redis", no_fault))
        assert not standing.is_sound()
    with standing.lend(target, logs=logs, progress=quiet) as second:
        assert second is not first
        assert first.stack.dead() is None
    assert "of-the-first" in (logs / "toxiproxy.log").read_text("utf-8")
    assert not standing.is_sound()
    assert standing.bring_up(quiet) is not first
    assert standing.is_sound()


def _say_in_the_log(bed: Testbed, words: str) -> None:
    client = bed.stack.toxiproxy.client()
    name = words.replace(" ", "-")
    client.create(name, bed.stack.of(RedisServer).address)
    client.delete(name)
