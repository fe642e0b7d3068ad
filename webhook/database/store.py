"""Deliveries in PostgreSQL. COMMIT is a separate step here: what fails before it is certainly not stored."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Executable, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from webhook.database.failures import (
    AttemptFailedError,
    CommitLostError,
    NotReplicatedError,
    Reason,
    certainly_rolled_back,
    reason_of,
    server_spoke,
)
from webhook.database.many import (
    FIND_ALL,
    FIND_ALL_AND_LOCK,
    INSERT_ALL_ALWAYS,
    INSERT_ALL_ONCE,
    arrays_of,
    keys_of,
)
from webhook.database.primary import follows
from webhook.database.replication import forget_warnings, was_warned
from webhook.database.schema import FIND, FIND_AND_LOCK, FIND_WITH_BODY, INSERT_ALWAYS, INSERT_ONCE
from webhook.delivery import Delivery, Key, Phase, Progress, Step, Stored
from webhook.logs import Log, describe
from webhook.resilience.gate import Gate


class Store:
    """Each method is one attempt on one connection.

    Raises:
        AttemptFailedError: nothing was stored.
        CommitLostError: it may be stored.

    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        gate: Gate,
        log: Log,
        idempotent: bool = True,
        ack_after_commit: bool = True,
        replicated: bool = True,
        must_follow: bool = False,
    ) -> None:
        self._engine = engine
        self._gate = gate
        self._log = log
        self._insert = INSERT_ONCE if idempotent else INSERT_ALWAYS
        self._insert_all = INSERT_ALL_ONCE if idempotent else INSERT_ALL_ALWAYS
        self._find_all = FIND_ALL_AND_LOCK if replicated else FIND_ALL
        self._ack_after_commit = ack_after_commit
        self._find = FIND_AND_LOCK if replicated else FIND
        self._replicated = replicated
        self._must_follow = must_follow
        self._committing_late: dict[int, asyncio.Task[None]] = {}
        """By the connection's id(): the COMMITs that follow their answer."""

    async def insert(self, delivery: Delivery, progress: Step) -> Stored:
        """Store the delivery, or return the row that has its key, with whatever body."""
        row = {"source": delivery.source, "id": delivery.id, "sha256": delivery.sha256, "body": delivery.body}
        async with self._connection(progress) as connection:
            progress.phase = Phase.INSERT
            received_at = (await connection.execute(self._insert, row)).scalar_one_or_none()
            if received_at is None:
                return await self._already_stored(connection, delivery, progress)
            await self._end(connection, progress)
            return Stored(delivery.source, delivery.id, delivery.sha256, received_at, repeated=False)

    async def insert_all(self, deliveries: Sequence[Delivery], progress: Step) -> Sequence[Stored]:
        """Do the same as `insert` for each, in one transaction. No two may have the same key."""
        # In one order, so that no two transactions wait for a row of each other's.
        ordered = sorted(deliveries, key=lambda each: each.key)
        async with self._connection(progress) as connection:
            progress.phase = Phase.INSERT
            rows = await connection.execute(self._insert_all, arrays_of(ordered))
            new = {(row.source, row.id): row.received_at for row in rows}
            stored = {
                each.key: Stored(*each.key, each.sha256, new[each.key], repeated=False)
                for each in ordered
                if each.key in new
            }
            before = [each for each in ordered if each.key not in new]
            if before:
                stored |= await self._all_already_stored(connection, before, progress)
            await self._end(connection, progress)
            return [stored[each.key] for each in deliveries]

    async def find(self, source: str, delivery_id: str, progress: Progress) -> Stored | None:
        """Check whether it is stored, on the standby too."""
        async with self._connection(progress) as connection:
            stored = await self._select(connection, source, delivery_id, progress)
            if stored is not None and self._replicated:
                await self.commit(connection, progress)
            return stored

    async def fetch(self, source: str, delivery_id: str, progress: Progress) -> tuple[Stored, bytes] | None:
        """Return the stored row, with its body. A server that should follow a primary and does not returns none."""
        async with self._connection(progress) as connection:
            progress.phase = Phase.SELECT
            row = (await connection.execute(FIND_WITH_BODY, {"source": source, "id": delivery_id})).one_or_none()
            if row is None or (self._must_follow and not follows(await _driver(connection))):
                return None
            return Stored(source, delivery_id, row.sha256, row.received_at, repeated=True), bytes(row.body)

    async def check(self) -> None:
        """Connect, and check that the table exists."""
        async with self._connection(Progress()) as connection:
            table = (await connection.execute(text("SELECT to_regclass('deliveries')"))).scalar_one()
            if table is None:
                raise LookupError("there is no table `deliveries`: run `python -m webhook migrate`")

    async def ask(self, sql: str) -> Any:
        """Return the single value that a statement returns."""
        async with self._connection(Progress()) as connection:
            return (await connection.execute(text(sql))).scalar_one()

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        """Run one of the service's own statements, and commit."""
        progress = Progress()
        async with self._connection(progress) as connection:
            await connection.execute(statement, parameters)
            await self.commit(connection, progress)

    async def close(self) -> None:
        """Finish the promised COMMITs, and close every connection."""
        if self._committing_late:
            await asyncio.wait(self._committing_late.values())
        await self._engine.dispose()

    @asynccontextmanager
    async def _connection(self, progress: Step) -> AsyncIterator[AsyncConnection]:
        progress.phase = Phase.CHECKOUT
        connection = None
        try:
            with self._gate.queue():
                connection = await self._engine.connect()
            yield connection
        except AttemptFailedError as error:
            await _give_up(connection, error)
            raise
        except Exception as error:
            await _give_up(connection, error)
            raise AttemptFailedError(progress.phase, reason_of(error, progress.phase)) from error
        except BaseException as error:
            await _give_up(connection, error)
            raise
        finally:
            if connection is not None and id(connection) not in self._committing_late:
                await self._let_go(connection)

    async def _let_go(self, connection: AsyncConnection) -> None:
        """Return a connection to the pool. If that fails, its results stay valid.

        SQLAlchemy has dropped the connection.
        """
        try:
            await connection.close()
        except Exception as error:  # noqa: BLE001 - the request has its answer by now
            self._log.warning("connection_not_given_back", error=describe(error))

    async def _select(
        self, connection: AsyncConnection, source: str, delivery_id: str, progress: Step
    ) -> Stored | None:
        progress.phase = Phase.SELECT
        row = (await connection.execute(self._find, {"source": source, "id": delivery_id})).one_or_none()
        if row is None:
            return None
        return Stored(source, delivery_id, row.sha256, row.received_at, repeated=True)

    async def _all_already_stored(
        self, connection: AsyncConnection, deliveries: Sequence[Delivery], progress: Step
    ) -> Mapping[Key, Stored]:
        progress.phase = Phase.SELECT
        rows = await connection.execute(self._find_all, keys_of(deliveries))
        found = {
            (row.source, row.id): Stored(row.source, row.id, row.sha256, row.received_at, repeated=True) for row in rows
        }
        if any(each.key not in found for each in deliveries):
            # As in `_already_stored`.
            raise AttemptFailedError(Phase.SELECT, Reason.SERIALIZATION)
        return found

    async def _already_stored(self, connection: AsyncConnection, delivery: Delivery, progress: Step) -> Stored:
        # READ COMMITTED: the SELECT sees the row that the INSERT collided with.
        stored = await self._select(connection, delivery.source, delivery.id, progress)
        if stored is None:
            # Someone deleted the row between the two statements.
            raise AttemptFailedError(Phase.SELECT, Reason.SERIALIZATION)
        # Where a COMMIT gave up waiting for the standby, only this server has the row. This COMMIT waits, too.
        await self.commit(connection, progress)
        return stored

    async def _end(self, connection: AsyncConnection, progress: Step) -> None:
        if self._ack_after_commit:
            await self.commit(connection, progress)
        else:
            self._commit_later(connection)

    async def commit(self, connection: AsyncConnection, progress: Step) -> None:
        """Commit, and record in `progress` whether the rows may be stored without an answer.

        Raises:
            CommitLostError: they may be: the answer did not come, or the server did not wait for the standby.
        """
        if self._replicated:  # what was warned of before (a trigger may) says nothing of this COMMIT
            forget_warnings(await _driver(connection))
        progress.phase = Phase.COMMIT
        before, progress.in_doubt = progress.in_doubt, True
        try:
            await connection.commit()
        except Exception as error:
            if not certainly_rolled_back(error):
                raise CommitLostError from error
            progress.in_doubt = before  # an earlier COMMIT without an answer is still in doubt
            raise
        if self._replicated and was_warned(await _driver(connection)):
            raise CommitLostError from NotReplicatedError("the server gave up waiting for the standby")

    def _commit_later(self, connection: AsyncConnection) -> None:
        self._committing_late[id(connection)] = asyncio.create_task(self._finish(connection))

    async def _finish(self, connection: AsyncConnection) -> None:
        try:
            await connection.commit()
        except Exception as error:  # noqa: BLE001 - the delivery was acknowledged: all that is left is to say so
            self._log.alarm("late_commit_failed", error=describe(error))
            await _give_up(connection, error)
        finally:
            del self._committing_late[id(connection)]
            await self._let_go(connection)


async def _give_up(connection: AsyncConnection | None, error: BaseException) -> None:
    """Cut a connection in an unknown state; no other request may use it.

    SQLAlchemy does so itself if the connection was closed, the driver's time was over or the request was cancelled. It
    does not if the server still answers and would give every request the same error: read only since a failover
    (25006), a prepared statement that is gone (26000). Nor does it if BEGIN itself failed: asyncpg then believes that
    the session is in a transaction, and asks for a SAVEPOINT next.
    """
    if connection is None or connection.closed or connection.invalidated:
        return
    if server_spoke(error) and await _in_a_transaction(connection):
        return
    await connection.invalidate()


async def _in_a_transaction(connection: AsyncConnection) -> bool:
    """Return whether a transaction is open, even a failed one, by the server's last message."""
    driver = await _driver(connection)
    return driver is not None and bool(driver.is_in_transaction())


async def _driver(connection: AsyncConnection) -> Any:
    """Return asyncpg's own connection; None if it is gone."""
    return (await connection.get_raw_connection()).driver_connection
