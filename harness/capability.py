"""What this machine can do, and what to do about what it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PROMETHEUS: Final = "prometheus"
"""A Prometheus on this machine: the name of the program, and of the need for it."""
PGBOUNCER: Final = "pgbouncer"
"""A PgBouncer on this machine, in the same way."""


@dataclass(frozen=True, slots=True)
class Capability:
    """One thing that the harness may need from the machine. The harness finds it out by trying.

    `detail` says what was found or what went wrong. `mend` says what to do about a "no"; it is empty if `available` is
    true.
    """

    name: str
    available: bool
    detail: str
    mend: str = ""
