"""The configuration of a PostgreSQL that the harness starts: `[servers.NAME]` of a target whose links speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import Field, PositiveInt

from harness.protocols.contract.options import ServerOptions

__all__ = ["OPTIONS", "PostgresOptions", "as_conf", "settings_for"]


class PostgresOptions(ServerOptions):
    """What a target can configure."""

    fsync: bool = False
    """It is off because the faults end processes, never the machine: data that a process wrote before SIGKILL is in the
    kernel's cache and survives. So no verdict depends on it, and a database is created in 11 ms instead of 95. Turn it
    on to measure, or to answer `fsync` itself with an error."""
    max_connections: PositiveInt = 300
    """For all services together."""
    settings: dict[str, str] = Field(default={})
    """Further lines of postgresql.conf, which override the harness's. A sweep logs in thousands of times, with one
    round of SHA-256 each. If the service then acknowledges nothing, because its driver refuses so few rounds (like Go's
    lib/pq), the sweep begins again with PostgreSQL's own 4,096, or with the `scram_iterations` given here."""


OPTIONS: Final[type[ServerOptions]] = PostgresOptions


def settings_for(options: PostgresOptions) -> dict[str, str]:
    """Return the lines that are added to the postgresql.conf that initdb wrote."""
    return {
        **_CONFINED,
        **_EVIDENCE,
        "max_connections": str(options.max_connections),
        "shared_buffers": "64MB",
        "jit": "off",
        "max_logical_replication_workers": "0",
        # An old primary is rewound: by its own log since the failover, and by the pages that hint bits have changed.
        "wal_log_hints": "on",
        "wal_keep_size": "128MB",
        # A standby that is promoted as it begins to wait for its lost primary goes on waiting that long: 5 s otherwise.
        "wal_retrieve_retry_interval": "100ms",
        # A SIGKILL in the middle of a write can leave half a page in the kernel's cache, so that
        # full_page_writes stays on even without fsync.
        "fsync": "on" if options.fsync else "off",
        **options.settings,
    }


def as_conf(settings: Mapping[str, str]) -> str:
    """Return the settings as lines of postgresql.conf, every value quoted."""
    lines = (f"{name} = '{_quoted(value)}'" for name, value in settings.items())
    return "".join(f"{line}\n" for line in lines)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


_CONFINED = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # Segments in files of the data directory: a SIGKILL leaves none behind in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
}

_EVIDENCE = {
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] user=%u db=%d app=%a state=%e ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_checkpoints": "off",  # each new database makes some, and no service causes them
    # An asynchronous commit is also lost in a crash ten seconds later, not only in the first fifth of a second.
    "wal_writer_delay": "10s",
    # A lock wait is in the log 20 ms after it began, not a second.
    "log_lock_waits": "on",
    "deadlock_timeout": "20ms",
}
