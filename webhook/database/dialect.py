"""SQLAlchemy's asyncpg dialect, changed to keep deadlines.

The pre-ping of the original (2.1.9) opens and rolls back a transaction (three round trips). When asyncpg's
`command_timeout` ends one of them, it waits for the others too. The original closes a connection politely: a request
that returns one beyond the pool's size waits for the server to hang up, and so does the service's shutdown. Here a ping
is one round trip, a ping without an answer in time means that the connection is dead, and closing does not wait. It
also omits round trips at a connect that are useless here: JSON codecs, and questions about the server that asyncpg can
answer. Ten of them before the first statement would take two seconds on a line of 200 ms.
"""

from collections.abc import Callable
from typing import Any

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.util import await_only

DRIVER = "postgresql+bounded"

PING = "/* ping */ SELECT 1"
"""Not the empty query: asyncpg 0.32's `execute` fails on its answer, which has no status."""


class BoundedDialect(PGDialect_asyncpg):
    """See the module. `command_timeout` is the time for a ping."""

    supports_statement_cache = True

    def on_connect(self) -> Callable[[DBAPIConnection], Any] | None:
        """Set nothing up."""
        return None

    def initialize(self, connection: Connection) -> None:
        """Take the server's version from its greeting; every PostgreSQL in use has the same other values."""
        driver: asyncpg.Connection[asyncpg.Record] = connection.connection.driver_connection
        version = driver.get_server_version()
        self.server_version_info = (version.major, version.minor)
        self.default_schema_name = "public"
        self._backslash_escapes = False

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Return whether the connection answers; with False the pool replaces it."""
        driver: asyncpg.Connection[asyncpg.Record] = dbapi_connection.driver_connection
        try:
            await_only(driver.execute(PING))
        except (TimeoutError, asyncpg.InternalClientError):
            # The second: the server has said that the session is over, and its close is still on the way.
            driver.terminate()
            return False
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            if not driver.is_closed():
                raise
            return False
        return True

    def do_close(self, dbapi_connection: Any) -> None:
        """Cut the connection: it is idle, so only the goodbye message is lost."""
        dbapi_connection.driver_connection.terminate()

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Cut the connection."""
        dbapi_connection.driver_connection.terminate()


def register() -> None:
    """Register the dialect for `create_engine`; calling this twice does no harm."""
    registry.register("postgresql.bounded", __name__, BoundedDialect.__name__)
