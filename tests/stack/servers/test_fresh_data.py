"""Data directories that initdb has made once, and starts that copy one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from harness.processes.keeper import Keeper
from harness.protocols.postgres.running import fresh_data as fresh_data_module
from harness.protocols.postgres.running.fresh_data import KEPT, FreshData, fresh_data
from harness.protocols.postgres.server import PostgresServer
from harness.stack import private_folder
from harness.stack.servers.server import Launch

MADE = "The files belonging to this database system will be owned"
"""What initdb says."""
OURS = os.geteuid(), os.getegid()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What initdb might have made."""
    data = tmp_path / "made"
    (data / "base" / "1").mkdir(parents=True)
    (data / "base" / "1" / "112").write_bytes(bytes(range(256)) * 100)
    (data / "empty").touch()
    return data


def place_for(program: Path, *options: str) -> FreshData:
    found = fresh_data([program], options)
    assert found is not None
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_is_whole_and_for_its_owner_alone(cache: Path, made: Path, tmp_path: Path) -> None:
    place = place_for(made / "empty", "--username=x")
    assert place.copy_to(tmp_path / "copy", OURS) is None, "there is none yet"
    place.keep(made, "secret")
    assert place.copy_to(tmp_path / "copy", OURS) == "secret"
    assert contents(tmp_path / "copy") == contents(made)
    for path in ((tmp_path / "copy"), *(tmp_path / "copy").rglob("*"), *cache.glob("*/*")):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("harm", ["a file is gone", "a file is cut short", "the note is broken", "the note is gone"])
def test_what_is_not_whole_is_not_used_and_leaves_nothing(cache: Path, made: Path, tmp_path: Path, harm: str) -> None:
    place = place_for(made / "empty")
    place.keep(made, "secret")
    (file,), (note,) = cache.rglob("112"), cache.rglob("note.json")
    harms: dict[str, Callable[[], object]] = {
        "a file is gone": file.unlink,
        "a file is cut short": lambda: os.truncate(file, 100),
        "the note is broken": lambda: note.write_text('{"size":'),
        "the note is gone": note.unlink,
    }
    harms[harm]()
    assert place.copy_to(tmp_path / "copy", OURS) is None
    assert not (tmp_path / "copy").exists()
    place.keep(made, "another")
    assert place.copy_to(tmp_path / "copy", OURS) == "another"


@pytest.mark.usefixtures("cache")
def test_what_another_harness_replaces_meanwhile_is_not_used(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password would be that of the one, and the files those of the other."""
    place = place_for(made / "empty")
    place.keep(made, "secret")
    copied = fresh_data_module.copy_folder

    def replaced_first(source: Path, to: Path, owner: tuple[int, int]) -> int:
        monkeypatch.setattr(fresh_data_module, "copy_folder", copied)
        place.keep(made, "another")
        return copied(source, to, owner)

    monkeypatch.setattr(fresh_data_module, "copy_folder", replaced_first)
    assert place.copy_to(tmp_path / "copy", OURS) is None
    assert not (tmp_path / "copy").exists()
    assert place.copy_to(tmp_path / "copy", OURS) == "another"


def test_another_program_or_another_option_has_another_place(cache: Path, made: Path) -> None:
    program = made / "empty"
    before = [place_for(program, "--encoding=UTF8"), place_for(program, "--encoding=LATIN1")]
    program.write_text("of another version")
    after = place_for(program, "--encoding=UTF8")
    seen = program.stat()
    os.utime(program, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))  # built anew, and just as long
    assert len({place.folder for place in (*before, after, place_for(program, "--encoding=UTF8"))}) == 4
    assert fresh_data([cache / "nowhere"], ()) is None


def test_the_latest_few_are_kept(cache: Path, made: Path) -> None:
    places = [place_for(made / "empty", str(number)) for number in range(KEPT + 2)]
    for age_s, place in zip((40, 30, 20, 10, 0), places, strict=True):
        place.keep(made, "secret")
        os.utime(place.folder, (1e9 - age_s, 1e9 - age_s))
    assert {path.name for path in (cache / "postgres-data").iterdir()} == {
        place.folder.name for place in places[-KEPT:]
    }
    oldest = places[-KEPT]
    assert oldest.copy_to(made / "used", OURS) == "secret"
    places[0].keep(made / "used", "secret")
    assert oldest.copy_to(made / "used again", OURS) == "secret", "it was used a moment ago"
    oldest.keep(made / "nowhere", "secret")
    assert not list(cache.rglob("making-*")), "what was begun is removed"


def test_a_cache_that_cannot_be_written_hinders_nothing(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(made / "empty"))
    assert fresh_data([made / "empty"], ()) is None
    FreshData(made / "empty" / "below" / "a file").keep(made, "secret")
    assert contents(made).keys() == {"base/1/112", "empty"}


@contextmanager
def server_on(keeper: Keeper) -> Iterator[PostgresServer]:
    with private_folder() as folder:
        (folder / "postgres").mkdir(mode=0o700)
        with PostgresServer.start(Launch(keeper, folder / "postgres")) as server:
            yield server


@pytest.mark.usefixtures("cache")
def test_a_server_on_a_copy_has_its_own_password_and_starts_again_with_it(keeper: Keeper) -> None:
    with server_on(keeper) as first:
        password = first.url().partition("@")[0].rpartition(":")[2]
        log = first.log
        assert log is not None
        assert MADE in log.read()
    with server_on(keeper) as second:
        log = second.log
        assert log is not None
        assert MADE not in log.read()
        with pytest.raises(asyncpg.InvalidPasswordError):
            asyncio.run(asyncpg.connect(second.url(user="postgres", password=password)))
        second.restart()
        asyncio.run(asked(second))


async def asked(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url())
    assert await connection.fetchval("SHOW data_checksums") == "on"
    await connection.close()
