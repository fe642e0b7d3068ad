"""A service's part of a PostgreSQL: a role, and a database of the same name, copied from a template."""

from __future__ import annotations

import dataclasses
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import asyncpg

from harness.addresses import HostPort
from harness.protocols.contract.probes import NotUnderstoodError, Said, UnreachedError
from harness.protocols.contract.storage import Own, Share, Storage
from harness.protocols.postgres.probes import PostgresProbe, session
from harness.protocols.postgres.running.databases import create_database, create_role, drop_database, drop_role
from harness.protocols.postgres.server import PostgresServer

__all__ = ["STORAGE", "TEMPLATE", "execute_at"]

TEMPLATE: Final = "harness_template"
NOTHING_DONE = re.compile(r" 0$|^(?:SET|RESET|SHOW|BEGIN|START TRANSACTION|ROLLBACK|DISCARD .*)?$")
"""Tags of statements that counted no row (`DELETE 0`, `INSERT 0 0`), or concerned only the harness's own session."""
CHEAP_SCRAM = "SET scram_iterations = 1"
ROUNDS_ARE_FREE = "SELECT source = 'default' FROM pg_settings WHERE name = 'scram_iterations'"
"""Whether the server's configuration leaves the number of rounds open. Before PostgreSQL 16 it is fixed: no row."""


SESSION_ENDED = (
    asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.PostgresConnectionError, ConnectionError,
)  # fmt: skip
"""The errors of an open session when the text ends it, or its server."""
OF_THE_TEXT = (
    asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError,
    asyncpg.PLPGSQLError, asyncpg.FeatureNotSupportedError, asyncpg.ActiveSQLTransactionError,
)  # fmt: skip
"""Errors that the text causes, and not the server's state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDatabase:
    """See `Own`. The database's name is the role's."""

    name: str
    password: str
    server: PostgresServer
    database: str = ""
    """The database's name, if it is not the role's."""

    @property
    def admin_url(self) -> str:
        """See `Own`. A failover changes it."""
        return self.server.url(database=self.name)

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """See `Own`. A client asks for TLS by its own settings, not by another URL."""
        del tls
        name, password, database = self.name, self.password, self.database or self.name
        words = {"host": at.host, "port": str(at.port), "user": name, "password": password, "database": database}
        return {**words, "url": f"postgresql://{name}:{password}@{at}/{database}"}

    async def forget(self) -> None:
        """Do nothing: PostgreSQL stores."""

    async def execute(self, text: str) -> Said:
        """See `Own`. PostgreSQL's command tag is the evidence."""
        return await execute_at(self.admin_url, text)

    def probe(self) -> PostgresProbe:
        """See `Own`."""
        return PostgresProbe(lambda: self.admin_url, self.name)

    @asynccontextmanager
    async def empty_beside(self) -> AsyncIterator[OwnDatabase]:
        """See `Own`. It belongs to the same role, so that the probe sees its sessions."""
        empty = f"{self.name}_empty"
        try:
            async with session(self.admin_url) as admin:
                await create_database(admin, empty, owner=self.name)
            yield dataclasses.replace(self, database=empty)
        finally:
            async with session(self.admin_url) as admin:
                await drop_database(admin, empty)


async def execute_at(url: str, text: str) -> Said:
    """Execute the user's text in a separate session. Raises as `Own.execute` does."""
    async with AsyncExitStack() as opened:
        try:
            asking = await opened.enter_async_context(session(url))
        except (OSError, asyncpg.CannotConnectNowError) as problem:
            raise UnreachedError(str(problem)) from problem
        try:
            tag = str(await asking.execute(text))
        except OF_THE_TEXT as problem:  # also halfway, when some of its statements were done
            raise NotUnderstoodError(f"PostgreSQL says: {problem}") from problem
        except SESSION_ENDED as problem:
            return Said(f"the session ended: {problem}", effective=True)
    return Said(tag, effective=not NOTHING_DONE.search(tag))


class PostgresStorage:
    """See `Storage`."""

    @asynccontextmanager
    async def own(self, server: PostgresServer, share: Share) -> AsyncIterator[OwnDatabase]:
        """Make a role, and a database that it owns.

        A cheap login has one round of SHA-256 instead of 4,096. The rounds take most of a connect's time. The messages
        are identical except for that number. For drivers that refuse so few, the server's configuration decides.
        """
        name, password = share.name, secrets.token_hex(12)
        try:
            async with session(server.url()) as admin:
                if share.cheap_login and await admin.fetchval(ROUNDS_ARE_FREE):
                    await admin.execute(CHEAP_SCRAM)
                await create_role(admin, name, password=password)
                await create_database(admin, name, owner=name, template=TEMPLATE if share.prepared else None)
            await _hand_over(server.url(database=name), name)
            yield OwnDatabase(name=name, password=password, server=server)
        finally:
            async with session(server.url()) as admin:
                await drop_database(admin, name)
                await drop_role(admin, name)

    async def make_template(self, server: PostgresServer) -> Own:
        """Make an empty database, and the role that owns it while it is filled."""
        own = OwnDatabase(name=TEMPLATE, password=secrets.token_hex(16), server=server)
        async with session(server.url()) as admin:
            await create_role(admin, TEMPLATE, password=own.password)
            await create_database(admin, TEMPLATE, owner=TEMPLATE)
        return own

    async def keep_template(self, server: PostgresServer) -> None:
        """Take the database from its role, because reassigning a role's objects would reassign its databases, too."""
        async with session(server.url()) as admin:
            await admin.execute(f'ALTER DATABASE "{TEMPLATE}" OWNER TO CURRENT_USER')

    async def drop_template(self, server: PostgresServer) -> None:
        """Drop the template's database and role."""
        async with session(server.url()) as admin:
            await drop_database(admin, TEMPLATE)
            await drop_role(admin, TEMPLATE)


STORAGE: Final[Storage[PostgresServer]] = PostgresStorage()


async def _hand_over(url: str, role: str) -> None:
    """Give the template owner's objects to the service's own role, so that it may change them."""
    async with session(url) as admin:
        if await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", TEMPLATE):
            await admin.execute(f'REASSIGN OWNED BY "{TEMPLATE}" TO "{role}"')
