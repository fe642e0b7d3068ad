from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.stack import folders
from harness.stack.folders import private_folder, remove_stale_folders


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a short path: pytest's own is too long for Unix sockets."""
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        monkeypatch.setenv("HARNESS_TMP", name)
        yield Path(name)


def leave_behind(base: Path, name: str) -> Path:
    """Do what a run that was killed leaves: a folder, and a lock that nobody holds."""
    folder = base / name
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "file").write_text("data", encoding="ascii")
    (base / f"{name}.lock").touch()
    return folder


def test_only_its_user_may_enter_and_nothing_is_left(base: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == base
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
    assert list(base.iterdir()) == []


def test_an_error_inside_removes_it_too(base: Path) -> None:
    with pytest.raises(ZeroDivisionError), private_folder():
        raise ZeroDivisionError
    assert list(base.iterdir()) == []


def test_the_next_run_removes_what_a_dead_run_left(base: Path) -> None:
    stale = leave_behind(base, "harness-0badcafe")
    with private_folder() as folder:
        assert not stale.exists()
        assert sorted(path.name for path in base.iterdir()) == [folder.name, f"{folder.name}.lock"]


def test_living_runs_keep_theirs(base: Path) -> None:
    with private_folder() as one, private_folder() as other:
        assert one != other
        assert remove_stale_folders(base) == []
        assert one.is_dir()
        assert other.is_dir()


def test_a_living_run_hides_no_dead_one(base: Path) -> None:
    with private_folder() as living:
        dead = [leave_behind(base, f"harness-{name}") for name in ("00000000", "ffffffff")]
        assert remove_stale_folders(base) == dead
        assert living.is_dir()
        assert not [folder for folder in dead if folder.exists()]


def test_a_folder_that_will_not_go_hides_no_other_dead_one(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stays, goes = (leave_behind(base, f"harness-{name}") for name in ("00000000", "ffffffff"))
    removed = shutil.rmtree

    def unless_it_stays(path: Path) -> None:
        (_fails if path == stays else removed)(path)

    monkeypatch.setattr(folders, "REMOVAL_DEADLINE_S", 0.01)
    monkeypatch.setattr("harness.stack.folders.shutil.rmtree", unless_it_stays)
    assert remove_stale_folders(base) == [goes]
    assert stays.is_dir()
    monkeypatch.undo()
    assert remove_stale_folders(base) == [stays], "the next run tries again"


def test_what_is_not_the_harnesss_is_left_alone(base: Path) -> None:
    foreign = base / "other-1.lock"
    foreign.touch()
    victim = base / "victim"
    victim.mkdir()
    (base / "harness-linked.lock").symlink_to(victim)
    assert remove_stale_folders(base) == []
    assert foreign.exists()
    assert victim.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
def test_another_users_folder_is_left_alone(base: Path) -> None:
    folder = leave_behind(base, "harness-0badcafe")
    os.chown(base / "harness-0badcafe.lock", 65534, 65534)
    assert remove_stale_folders(base) == []
    assert folder.is_dir()


def test_a_folder_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_TMP", str(tmp_path / "missing"))
    with pytest.raises(HarnessError, match=r"HARNESS_TMP, .*missing, is not a folder"), private_folder():
        pass
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("HARNESS_TMP", str(long))
    with pytest.raises(HarnessError, match="too long for Unix sockets"), private_folder():
        pass


def test_a_folder_that_will_not_go_is_an_error_with_its_mend(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "REMOVAL_DEADLINE_S", 0.01)
    with pytest.raises(HarnessError, match=r"cannot be removed: .*No such device"), private_folder():
        monkeypatch.setattr("harness.stack.folders.shutil.rmtree", _fails)
    monkeypatch.undo()
    assert len(remove_stale_folders(base)) == 1


def _fails(_path: Path) -> None:
    raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))


@pytest.mark.parametrize(("free", "in_memory"), [(folders.MEMORY_FREE_MIN, True), (folders.MEMORY_FREE_MIN - 1, False)])
def test_memory_is_used_where_there_is_room(
    base: Path, monkeypatch: pytest.MonkeyPatch, free: int, in_memory: bool
) -> None:
    monkeypatch.delenv("HARNESS_TMP")
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(folders, "MEMORY", base)
    monkeypatch.setattr(folders, "free_bytes", lambda _: free)
    with private_folder() as folder:
        assert (folder.parent == base) is in_memory


def test_a_folder_that_the_user_set_outranks_memory(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_TMP")
    monkeypatch.setenv("TMPDIR", "anything")
    monkeypatch.setattr(folders, "MEMORY", base)
    with private_folder() as folder:
        assert folder.parent != base
