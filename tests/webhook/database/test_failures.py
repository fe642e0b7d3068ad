"""What is tried again, and what a failed COMMIT means."""

from __future__ import annotations

import asyncpg
import pytest
import sqlalchemy.exc

from webhook.database.failures import RETRIED, Reason, ShedError, certainly_rolled_back, reason_of, server_spoke
from webhook.delivery import Phase

E = asyncpg.exceptions


def wrapped(cause: BaseException) -> Exception:
    """As SQLAlchemy raises it."""
    error = sqlalchemy.exc.DBAPIError("INSERT", None, cause)
    error.__cause__ = cause
    return error


def with_cause(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


LOST = "connection was closed in the middle of operation"
CASES = [
    (E.ConnectionDoesNotExistError(LOST), Phase.INSERT, Reason.CONNECTION_LOST, True),
    (
        with_cause(E.ConnectionDoesNotExistError(LOST), E.IdleInTransactionSessionTimeoutError("x")),
        Phase.INSERT,
        Reason.CONNECTION_LOST,
        True,
    ),
    (
        with_cause(E.ConnectionDoesNotExistError(LOST), E.AdminShutdownError("x")),
        Phase.INSERT,
        Reason.SHUTTING_DOWN,
        True,
    ),
    (E.InterfaceError("cannot perform operation: connection is closed"), Phase.INSERT, Reason.CONNECTION_LOST, True),
    (E.InternalClientError("unexpected message"), Phase.INSERT, Reason.CONNECTION_LOST, True),
    (AssertionError("insufficient data in buffer"), Phase.INSERT, Reason.CONNECTION_LOST, True),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), Phase.SELECT, Reason.CONNECTION_LOST, True),
    (ConnectionResetError(104, "reset"), Phase.INSERT, Reason.CONNECTION_LOST, True),
    (ConnectionRefusedError(111, "refused"), Phase.CHECKOUT, Reason.CONNECT_FAILED, True),
    (TimeoutError(110, "timed out"), Phase.CHECKOUT, Reason.CONNECT_FAILED, True),
    (OSError(22, "Invalid argument"), Phase.CHECKOUT, Reason.CONNECT_FAILED, True),
    (TimeoutError(), Phase.CHECKOUT, Reason.CONNECT_TIMEOUT, True),
    (TimeoutError(), Phase.INSERT, Reason.SILENT, True),
    (E.InvalidSQLStatementNameError("x"), Phase.INSERT, Reason.STATEMENT_LOST, True),
    (E.InvalidCachedStatementError("x"), Phase.INSERT, Reason.STATEMENT_LOST, True),
    (E.FeatureNotSupportedError("x"), Phase.INSERT, Reason.SERVER_ERROR, False),
    (E.CannotConnectNowError("x"), Phase.CHECKOUT, Reason.STARTING_UP, True),
    (E.CrashShutdownError("x"), Phase.INSERT, Reason.SHUTTING_DOWN, True),
    (E.TooManyConnectionsError("x"), Phase.CHECKOUT, Reason.TOO_MANY_CONNECTIONS, True),
    (E.ReadOnlySQLTransactionError("x"), Phase.INSERT, Reason.READ_ONLY, True),
    (E.SerializationError("x"), Phase.COMMIT, Reason.SERIALIZATION, True),
    (E.DeadlockDetectedError("x"), Phase.INSERT, Reason.DEADLOCK, True),
    (E.QueryCanceledError("x"), Phase.INSERT, Reason.STATEMENT_TIMEOUT, False),
    (E.LockNotAvailableError("x"), Phase.INSERT, Reason.LOCK_TIMEOUT, False),
    (E.DiskFullError("x"), Phase.INSERT, Reason.SERVER_ERROR, False),
    (E.UndefinedTableError("x"), Phase.INSERT, Reason.FINAL, False),
    (E.InsufficientPrivilegeError("x"), Phase.INSERT, Reason.FINAL, False),
    (E.CheckViolationError("x"), Phase.INSERT, Reason.FINAL, False),
    (E.InvalidTextRepresentationError("x"), Phase.SELECT, Reason.FINAL, False),
    (E.UniqueViolationError("x"), Phase.INSERT, Reason.SERVER_ERROR, False),
    (E.DuplicatePreparedStatementError("x"), Phase.INSERT, Reason.SERVER_ERROR, False),
    (E.InvalidPasswordError("x"), Phase.CHECKOUT, Reason.SERVER_ERROR, False),
    (E.ProtocolViolationError("unsupported startup parameter: x"), Phase.CHECKOUT, Reason.SERVER_ERROR, False),
    (
        with_cause(E.ConnectionDoesNotExistError(LOST), E.ProtocolViolationError("server conn crashed?")),
        Phase.CHECKOUT,
        Reason.CONNECTION_LOST,
        True,
    ),
    (
        with_cause(E.ConnectionDoesNotExistError(LOST), E.ProtocolViolationError("query_wait_timeout")),
        Phase.INSERT,
        Reason.POOL_TIMEOUT,
        False,
    ),
    (
        E.ProtocolViolationError("no more connections allowed (max_client_conn)"),
        Phase.CHECKOUT,
        Reason.TOO_MANY_CONNECTIONS,
        True,
    ),
    (E.ProtocolViolationError("invalid message format"), Phase.INSERT, Reason.CONNECTION_LOST, True),
    (KeyError("a defect"), Phase.INSERT, Reason.UNFORESEEN, False),
]


@pytest.mark.parametrize(("error", "phase", "reason", "retried"), CASES)
def test_reasons(error: BaseException, phase: Phase, reason: Reason, retried: bool) -> None:
    assert reason_of(error, phase) is reason
    assert reason_of(wrapped(error), phase) is (Reason.SERVER_ERROR if reason is Reason.UNFORESEEN else reason)
    assert (reason in RETRIED) is retried


def test_the_pool_and_the_gate_are_not_pressed() -> None:
    assert reason_of(sqlalchemy.exc.TimeoutError(), Phase.CHECKOUT) is Reason.POOL_TIMEOUT
    assert reason_of(ShedError("x"), Phase.CHECKOUT) is Reason.SHED
    assert not {Reason.POOL_TIMEOUT, Reason.SHED} & RETRIED


@pytest.mark.parametrize(
    ("error", "certain"),
    [
        (E.SerializationError("x"), True),
        (E.DeadlockDetectedError("x"), True),
        (E.UniqueViolationError("x"), True),
        (E.StatementCompletionUnknownError("x"), False),
        (E.QueryCanceledError("x"), False),
        (E.AdminShutdownError("x"), False),
        (E.ConnectionDoesNotExistError(LOST), False),
        (TimeoutError(), False),
    ],
)
def test_a_failed_commit_is_certain_only_by_the_servers_word(error: BaseException, certain: bool) -> None:
    assert certainly_rolled_back(wrapped(error)) is certain


@pytest.mark.parametrize(
    ("error", "spoke"),
    [
        (E.QueryCanceledError("x"), True),
        (E.UniqueViolationError("x"), True),
        (E.InvalidSQLStatementNameError("x"), False),
        (E.ReadOnlySQLTransactionError("x"), False),
        (E.AdminShutdownError("x"), False),
        (E.ConnectionDoesNotExistError(LOST), False),
        (TimeoutError(), False),
    ],
)
def test_a_connection_is_kept_only_if_it_is_good(error: BaseException, spoke: bool) -> None:
    assert server_spoke(wrapped(error)) is spoke
