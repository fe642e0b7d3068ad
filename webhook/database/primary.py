"""Finds the primary among two servers: a failover may leave either address with a server that only reads.

asyncpg's own list of hosts (`target_session_attrs=read-write`) begins with the first host each time: one that is silent
takes the time that the connect has, and the others get none. It also needs the same password on all of them.
"""

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import URL

Arguments = Mapping[str, Any]


class PrimaryFinder:
    """Connects to the server that takes writes: where it was last, else at the other address."""

    def __init__(self, other: Arguments) -> None:
        """`other`: what differs in asyncpg's arguments for the second server."""
        self._other = other
        self._at_other = False

    async def connect(self, **arguments: Any) -> Any:
        """Connect as `asyncpg.connect` does; `timeout` is for both servers together.

        Raises:
            Exception: neither takes writes, and the server that was to be asked first cannot be connected to.

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
        """Give a connection to that server, and remember it; None if it takes no writes."""
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
    """Tell by what the server has reported: it follows no other, and its sessions begin as ones that write."""
    told = connection.get_settings()
    only_reads = (getattr(told, name, "off") for name in ("in_hot_standby", "default_transaction_read_only"))
    return "on" not in only_reads


def follows(connection: Any) -> bool:
    """Tell whether the server follows a primary. PostgreSQL reports it in time: with the end of each statement."""
    return getattr(connection.get_settings(), "in_hot_standby", "off") == "on"


def arguments_of(url: URL) -> Arguments:
    """Give asyncpg's arguments that say where a server is, and who asks."""
    return dict(url.get_dialect()().create_connect_args(url)[1])
