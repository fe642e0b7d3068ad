"""The kinds of database failures, and which of them may be retried.

All of these happen before a COMMIT is sent, or inside an INSERT that changes nothing the second time, so a retry is
safe. The question is whether it helps. A connection that broke, was refused or fell silent is replaced. A server that
is busy (a statement or lock time-out, no free connection) gets no retry.
"""

import enum
from collections.abc import Iterator

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from webhook.delivery import Phase


class Reason(enum.StrEnum):
    """Why an attempt failed; the label of `webhook_retries_total`."""

    CONNECTION_LOST = "connection_lost"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    SILENT = "silent"
    STATEMENT_LOST = "statement_lost"
    STARTING_UP = "starting_up"
    SHUTTING_DOWN = "shutting_down"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    READ_ONLY = "read_only"
    SERIALIZATION = "serialization"
    DEADLOCK = "deadlock"
    POOL_TIMEOUT = "pool_timeout"
    SHED = "shed"
    STATEMENT_TIMEOUT = "statement_timeout"
    LOCK_TIMEOUT = "lock_timeout"
    SERVER_ERROR = "server_error"
    FINAL = "final"
    COMMIT_LOST = "commit_lost"
    UNFORESEEN = "unforeseen"


RETRIED = frozenset(
    {
        Reason.CONNECTION_LOST,
        Reason.CONNECT_FAILED,
        Reason.CONNECT_TIMEOUT,
        Reason.SILENT,
        Reason.STATEMENT_LOST,
        Reason.STARTING_UP,
        Reason.SHUTTING_DOWN,
        Reason.TOO_MANY_CONNECTIONS,
        Reason.READ_ONLY,
        Reason.SERIALIZATION,
        Reason.DEADLOCK,
    }
)

MAY_BE_OF_ONE_ROW = frozenset(
    {
        Reason.SERIALIZATION,
        Reason.DEADLOCK,
        Reason.STATEMENT_TIMEOUT,
        Reason.LOCK_TIMEOUT,
        Reason.SERVER_ERROR,
        Reason.FINAL,
        Reason.UNFORESEEN,
    }
)
"""The failures of a batch that a single row may have caused: the other rows may still be stored. All other failures
would affect each row."""

# SQLSTATEs, from appendix A of PostgreSQL's manual.
_BY_SQLSTATE = {
    "57P01": Reason.SHUTTING_DOWN,  # admin_shutdown
    "57P02": Reason.SHUTTING_DOWN,  # crash_shutdown
    "57P03": Reason.STARTING_UP,  # cannot_connect_now
    "57P05": Reason.CONNECTION_LOST,  # idle_session_timeout
    "25P03": Reason.CONNECTION_LOST,  # idle_in_transaction_session_timeout
    "25006": Reason.READ_ONLY,  # read_only_sql_transaction
    "26000": Reason.STATEMENT_LOST,  # invalid_sql_statement_name
    "40001": Reason.SERIALIZATION,  # serialization_failure
    "40P01": Reason.DEADLOCK,  # deadlock_detected
    "53300": Reason.TOO_MANY_CONNECTIONS,  # too_many_connections
    "55P03": Reason.LOCK_TIMEOUT,  # lock_not_available
    "57014": Reason.STATEMENT_TIMEOUT,  # query_canceled
}

_FINAL = ("22", "23502", "23503", "23514", "42", "54")
"""SQLSTATEs that the same statement always gets: wrong values, a violated constraint, no such table, no permission, too
complex."""
_NOT_FINAL = "42P05"
"""duplicate_prepared_statement: behind a pooler the next connection may not have it."""

_POOLER_SAYS = {
    "no more connections allowed": Reason.TOO_MANY_CONNECTIONS,  # max_client_conn: it passes
    "query_wait_timeout": Reason.POOL_TIMEOUT,  # every connection of the pooler's was busy for so long
}
"""PgBouncer's own errors, all with the code 08P01: only the text differs."""

_GARBLED = (asyncpg.InternalClientError, AssertionError, UnicodeDecodeError)
"""What asyncpg raises for an answer that it cannot read: the second for a wrong length, the third for a text
that is not UTF-8."""

ROLLED_BACK = ("23", "40001", "40002", "40P01")
"""SQLSTATEs which prove that a COMMIT did not happen. 40003 means the opposite: unknown."""


class AttemptFailedError(Exception):
    """One attempt failed and stored nothing. `__cause__` is the driver's error."""

    def __init__(self, phase: Phase, reason: Reason) -> None:
        super().__init__(f"{reason} at {phase}")
        self.phase = phase
        self.reason = reason


class CommitLostError(AttemptFailedError):
    """A COMMIT was sent and its answer never came: the delivery may or may not be stored."""

    def __init__(self) -> None:
        super().__init__(Phase.COMMIT, Reason.COMMIT_LOST)


def told_again(error: AttemptFailedError) -> AttemptFailedError:
    """Return a copy of the exception: one that is raised in several requests would collect all their tracebacks."""
    again = CommitLostError() if isinstance(error, CommitLostError) else AttemptFailedError(error.phase, error.reason)
    again.__cause__ = error.__cause__
    return again


class NoTurnError(Exception):
    """The delivery waited too long for other transactions of this service."""


class NotReplicatedError(Exception):
    """The server has committed locally, and does not know whether its synchronous standby has."""


class ShedError(Exception):
    """Too many requests already wait for a connection."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Return the exception and all its causes, the outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def reason_of(error: BaseException, phase: Phase) -> Reason:
    """Classify the error of an attempt."""
    if isinstance(error, ShedError):
        return Reason.SHED
    if isinstance(error, (PoolTimeoutError, NoTurnError)):
        return Reason.POOL_TIMEOUT
    chain = list(causes(error))
    named = next((reason for cause in chain if (reason := _named(cause))), None)
    if named is None and any(_is_final(sqlstate(cause)) for cause in chain):
        return Reason.FINAL
    return named or _unnamed(chain, phase)


def _named(error: BaseException) -> Reason | None:
    # 0A000, which every other "not supported" has, too. SQLAlchemy prepares anew on every connection from then on.
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return Reason.STATEMENT_LOST
    if isinstance(error, asyncpg.ProtocolViolationError):
        return next((reason for words, reason in _POOLER_SAYS.items() if words in str(error)), None)
    return _BY_SQLSTATE.get(sqlstate(error))


def _is_final(code: str) -> bool:
    return code.startswith(_FINAL) and code != _NOT_FINAL


def _unnamed(chain: list[BaseException], phase: Phase) -> Reason:
    for cause in chain:
        # asyncio's time-out; a connect() that the kernel gave up (ETIMEDOUT) is the same class, with an errno.
        if isinstance(cause, TimeoutError) and cause.errno is None:
            return Reason.CONNECT_TIMEOUT if phase is Phase.CHECKOUT else Reason.SILENT
        if isinstance(cause, OSError):
            return Reason.CONNECT_FAILED if phase is Phase.CHECKOUT else Reason.CONNECTION_LOST
        if isinstance(cause, asyncpg.ProtocolViolationError) and phase is Phase.CHECKOUT:
            # 08P01 of what a connect asks for, as PgBouncer says of settings it does not know: the next asks the same.
            return Reason.SERVER_ERROR
        if isinstance(cause, (asyncpg.PostgresConnectionError, *_GARBLED)) or _closed(cause):
            return Reason.CONNECTION_LOST
    known = any(isinstance(cause, (asyncpg.PostgresError, SQLAlchemyError)) for cause in chain)
    return Reason.SERVER_ERROR if known else Reason.UNFORESEEN


def _closed(error: BaseException) -> bool:
    return isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)


def sqlstate(error: BaseException) -> str:
    """Return the server's five-letter code, or an empty string."""
    code = getattr(error, "sqlstate", None)
    return code if isinstance(code, str) else ""


def server_spoke(error: BaseException) -> bool:
    """Return whether the server answered with an error and the connection is still usable.

    It is not usable if a prepared statement is gone (26000; after a pooler or DEALLOCATE ALL): the driver would use
    that statement for every delivery.
    """
    codes = [code for cause in causes(error) if (code := sqlstate(cause))]
    return bool(codes) and not any(code.startswith(("08", "26000", "57P", "25P03", "25006")) for code in codes)


def certainly_rolled_back(error: BaseException) -> bool:
    """Return whether a failed COMMIT's error proves that nothing was stored."""
    return any(sqlstate(cause).startswith(ROLLED_BACK) for cause in causes(error))
