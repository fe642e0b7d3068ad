"""A driver that refuses a cheap login is swept with PostgreSQL's own number of rounds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engine.laying.testbed import Testbed, open_testbed
from harness.search.sweep.plan import Choice
from harness.stack import StackConfiguration
from harness.target import load_target
from tests.search.conftest import TARGET
from tests.search.live import lane_settings, sweep

PICKY = '''
"""The webhook service with a driver that wants 4,096 rounds of SHA-256, as Go's lib/pq does."""
import os, re, runpy, socket, struct, sys
from urllib.parse import urlsplit

def message(body, kind=b""):
    return kind + struct.pack("!I", len(body) + 4) + body

def rounds(url):
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port)) as server:
        names = f"user\\0{at.username}\\0database\\0{at.path[1:]}\\0\\0"
        server.sendall(message(struct.pack("!I", 196608) + names.encode()))
        server.recv(4096)
        first = b"n,,n=,r=abcdefghijklmnop"
        server.sendall(message(b"SCRAM-SHA-256\\0" + struct.pack("!I", len(first)) + first, b"p"))
        return int(re.search(rb"i=(\\d+)", server.recv(4096))[1])

url = os.environ["DATABASE_URL"]
if rounds(url) < 4096:
    os.environ["DATABASE_URL"] = url.replace(urlsplit(url).password, "refused")
sys.path.insert(0, os.getcwd())
runpy.run_module("webhook", run_name="__main__", alter_sys=True)
'''


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Servers whose settings leave the number of rounds open."""
    target = load_target(TARGET)
    description = target.description.model_copy(update={"servers": {}})
    own = dataclasses.replace(target, description=description)
    with open_testbed(own, StackConfiguration(), logs=tmp_path_factory.mktemp("logs")) as bed:
        yield bed


@pytest.mark.parametrize("picky", [True, False], ids=["a driver that refuses one round", "a driver that takes it"])
def test_the_lanes_log_in_as_the_driver_wants(bed: Testbed, tmp_path: Path, picky: bool) -> None:
    program = tmp_path / "picky.py"
    program.write_text(PICKY, "utf-8")
    description = bed.target.description
    service = description.service.model_copy(update={"command": ["{python}", str(program)], "preload": []})
    target = dataclasses.replace(bed.target, description=description.model_copy(update={"service": service}))
    own = dataclasses.replace(bed, target=target, preloaded=None) if picky else dataclasses.replace(bed)

    swept = sweep(own, lane_settings(tmp_path), Choice(kinds=("warm",), limit=2))

    assert len(swept.cells) == 2
    assert set(swept.verdicts().values()) <= {"held", "noticed"}, swept.problems
    assert own.cheap_login is not picky
