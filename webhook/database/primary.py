"""Finds the primary of two servers: after a failover either address may lead to a read-only server.

asyncpg's own list of hosts (`target_session_attrs=read-write`) starts with the first host each time: a silent host uses
up the connect's time, and the others get none. It also needs the same password on all hosts.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import URL

Arguments = Mapping[str, Any]


class PrimaryFinder:
    """Connects to the server that takes writes: first to its last address, then to the other one."""

    def __init__(self, other: Arguments) -> None:
        """`other`: what differs in asyncpg's arguments for the second server."""
        self._other = other
        self._at_other = False

    async def connect(self, **arguments: Any) -> Any:
        """Connect as `asyncpg.connect` does; `timeout` is for both servers together.

        Raises:
            Exception: neither server takes writes, and the connect to the first one failed.

        """
        if arguments.get("timeout"):
            arguments["timeout"] /= 2
        first = self._at_other
        try:
            connection = await self._connect(arguments, at_other=first)
        except Exception:
            other = await self._writable(arguments, at_other=not first)
            if other is None:
                raise
            return other
        if takes_writes(connection):
            return connection
        other = await self._writable(arguments, at_other=not first)
        if other is None:
            return connection  # it says in its own words that it only reads
        connection.terminate()
        return other

    async def _writable(self, arguments: Arguments, *, at_other: bool) -> Any:
        """Return a connection to that server, and remember it; None if it takes no writes."""
        try:
            connection = await self._connect(arguments, at_other=at_other)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return None  # why the server that is asked first is of no use counts
        if not takes_writes(connection):
            connection.terminate()
            return None
        self._at_other = at_other
        return connection

    async def _connect(self, arguments: Arguments, *, at_other: bool) -> Any:
        return await asyncpg.connect(**{**arguments, **(self._other if at_other else {})})


def takes_writes(connection: Any) -> bool:
    """Return whether the server reported that it follows no other, and that its sessions may write by default."""
    told = connection.get_settings()
    only_reads = (getattr(told, name, "off") for name in ("in_hot_standby", "default_transaction_read_only"))
    return "on" not in only_reads


def follows(connection: Any) -> bool:
    """Return whether the server follows a primary. PostgreSQL reports a change at the end of each statement."""
    return getattr(connection.get_settings(), "in_hot_standby", "off") == "on"


def arguments_of(url: URL) -> Arguments:
    """Return asyncpg's arguments for a server's address and the user."""
    return dict(url.get_dialect()().create_connect_args(url)[1])
