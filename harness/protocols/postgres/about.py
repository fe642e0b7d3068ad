"""PostgreSQL, for readers and for the checks of a target description."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from harness.protocols.contract.about import About

__all__ = ["ABOUT"]


def _remove_leftovers(folder: Path) -> None:
    from harness.protocols.postgres.running.shared_memory import remove_leftover_segments  # noqa: PLC0415 - see the contract

    remove_leftover_segments(folder)


ABOUT: Final = About(
    title="PostgreSQL",
    choice="a folder with initdb and postgres, or a superuser's postgresql:// URL",
    placeholders=("url", "host", "port", "user", "password", "database"),
    port=5432,
    images=("postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"),
    stores=True,
    counts_sessions=True,
    replicates=True,
    residue={"prepared transactions": 0, "advisory locks": 0},
    # A backend or helper that a signal ends makes the postmaster end all sessions and recover; `PANIC` is its own word.
    crash=r"was terminated by signal|all server processes terminated; reinitializing|\bPANIC: ",
    remove_leftovers=_remove_leftovers,
)
