"""A small disk: what it has room for, and who sees it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.processes.keeper import Keeper, KeptProcess, ProcessSpec
from harness.stack.small_disk import SmallDisk

SIZE_BYTES = 1 << 20


@pytest.fixture(name="keeper", scope="module")
def start_keeper() -> Iterator[Keeper]:
    with Keeper.start() as keeper:
        yield keeper


@pytest.fixture(name="disk")
def mount(keeper: Keeper, tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk.beside(sleeper(keeper, tmp_path), keeper, tmp_path, SIZE_BYTES) as disk:
        yield disk


def sleeper(keeper: Keeper, folder: Path) -> KeptProcess:
    """As PostgreSQL runs: in a user namespace of its own, if it is root's."""
    argv = (sys.executable, "-c", "import signal; signal.pause()")
    spec = ProcessSpec(name="sleeper", argv=argv, env={}, cwd=folder, log=folder / "sleeper", as_user="mapped")
    return keeper.spawn(spec)


def test_what_is_full_has_room_when_it_is_freed(disk: SmallDisk) -> None:
    file = disk.folder / "file"
    file.write_bytes(bytes(1000))

    disk.fill()
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        (disk.folder / "other").write_bytes(bytes(1000))
    assert disk.left_bytes == 0
    disk.free()
    disk.free()
    (disk.folder / "other").write_bytes(bytes(1000))

    assert file.read_bytes() == bytes(1000)


def test_the_machine_does_not_see_it(disk: SmallDisk, tmp_path: Path) -> None:
    (disk.folder / "file").touch()

    assert not list((tmp_path / "mounted").iterdir())


def test_it_goes_when_it_is_closed(keeper: Keeper, tmp_path: Path) -> None:
    disk = SmallDisk.beside(sleeper(keeper, tmp_path), keeper, tmp_path, SIZE_BYTES)
    disk.close()
    disk.close()

    assert not disk.folder.exists()


def test_it_says_why_there_is_none(keeper: Keeper, tmp_path: Path) -> None:
    ended = sleeper(keeper, tmp_path)
    ended.stop()

    with pytest.raises(HarnessError, match="no small disk could be mounted") as refused:
        SmallDisk.beside(ended, keeper, tmp_path, SIZE_BYTES)

    assert "user namespaces" in str(refused.value.hint)
