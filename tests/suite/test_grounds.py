"""A keeper, and the Python that forks the service, serve one testbed after another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from harness.engine.laying.testbed import Ground
from harness.errors import HarnessError
from harness.processes.keeper import Keeper, PreloadSpec, ProcessSpec
from harness.suite.ground import KeptGround


@dataclass
class MadeUp:
    bare: bool = True


class Opener:
    """Counts what is open."""

    def __init__(self, fails_to_close: int = 0) -> None:
        self.opened = 0
        self.closed = 0
        self.fails_to_close = fails_to_close

    @contextmanager
    def __call__(self, logs: Path) -> Iterator[Ground]:
        del logs
        self.opened += 1
        try:
            yield cast("Ground", MadeUp())
        finally:
            self.closed += 1
            if self.fails_to_close:
                self.fails_to_close -= 1
                raise HarnessError("it does not end")


def test_a_ground_is_kept_for_as_long_as_nothing_is_left_on_it(tmp_path: Path) -> None:
    opener = Opener()
    kept = KeptGround(opener)
    first = kept.open(tmp_path)
    assert kept.open(tmp_path) is first
    cast("MadeUp", first).bare = False
    assert kept.open(tmp_path) is not first
    assert (opener.opened, opener.closed) == (2, 1)
    kept.close()
    assert opener.closed == opener.opened


def test_one_that_cannot_be_closed_is_not_used_again(tmp_path: Path) -> None:
    opener = Opener(fails_to_close=1)
    kept = KeptGround(opener)
    first = kept.open(tmp_path)
    with pytest.raises(HarnessError, match="it does not end"):
        kept.close()
    assert kept.open(tmp_path) is not first
    kept.close()
    assert opener.closed == opener.opened == 2


def test_once_closed_for_good_none_is_opened_again(tmp_path: Path) -> None:
    opener = Opener()
    kept = KeptGround(opener)
    kept.close(for_good=True)
    kept.close()  # a session at rest is no new one
    with pytest.raises(HarnessError, match="has ended"):
        kept.open(tmp_path)
    assert opener.opened == opener.closed


def test_a_ground_is_bare_without_any_process_but_the_preloaded_python(tmp_path: Path) -> None:
    sleeping = (sys.executable, "-c", "import time; time.sleep(600)")
    with Keeper.start() as keeper:
        program = (sys.executable, "-m", "http.server")
        preloaded = keeper.preload(
            PreloadSpec(program=program, modules=("json",), env={}, cwd=tmp_path, log=tmp_path / "preloaded.log")
        )
        ground = Ground(keeper, preloaded)
        seen = [ground.bare]
        left = keeper.spawn(ProcessSpec(name="left", argv=sleeping, env={}, cwd=tmp_path, log=tmp_path / "left.log"))
        seen.append(ground.bare)
        left.stop()
        seen.append(ground.bare)
    seen.append(ground.bare)
    assert seen == [True, False, True, False], "a keeper that has ended carries nothing"
