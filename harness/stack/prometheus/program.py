"""Finds the Prometheus of this machine, if it has one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from harness.capability import PROMETHEUS, Capability
from harness.errors import UsageError

VARIABLE: Final = "HARNESS_PROMETHEUS"
MEND = f"install it (Debian's package prometheus), or name the program in {VARIABLE}"


def find_prometheus() -> Path | None:
    """Return the program that the user names, or else the one on the PATH; None if there is none.

    Raises UsageError if the user names something that is no program.
    """
    named = os.environ.get(VARIABLE)
    found = shutil.which(named or PROMETHEUS)
    if named and found is None:
        mend = "name the program itself, with its whole path"
        raise UsageError.at("environment", VARIABLE, named, "is no program that this user may run", mend=mend)
    return Path(found) if found else None


def prometheus_available() -> Capability:
    """Say whether this machine has a Prometheus. Raises UsageError as `find_prometheus` does."""
    found = find_prometheus()
    if found is None:
        return Capability(PROMETHEUS, available=False, detail="no prometheus on the PATH", mend=MEND)
    return Capability(PROMETHEUS, available=True, detail=str(found))
