"""Makes the SQLAlchemy engine that the settings describe."""

from typing import Any

import asyncpg
from sqlalchemy import URL, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from webhook.configuration.settings import Settings
from webhook.database import dialect
from webhook.database.failures import Reason, reason_of
from webhook.database.keepalive import kept_alive
from webhook.database.newest_first import NewestFirstPool
from webhook.database.primary import PrimaryFinder, arguments_of
from webhook.database.replication import WarnedConnection
from webhook.delivery import Phase


def make_engine(settings: Settings, database_url: URL | None = None) -> AsyncEngine:
    """Make the engine; it does not connect yet. `database_url`: a URL other than the primary's.

    With every protection off this is `create_async_engine(url)`: pool size and overflow are then SQLAlchemy's own
    defaults. Error messages never contain parameters: the body is one.
    """
    url = (database_url or settings.database_url).set(drivername=_driver(settings))
    arguments = _connect_args(settings)
    if database_url is None and settings.replica_url is not None and settings.primary_found:
        other = arguments_of(settings.replica_url.set(drivername=url.drivername))
        arguments["async_creator_fn"] = PrimaryFinder(other).connect
    engine = create_async_engine(url, hide_parameters=True, connect_args=arguments, **_pool(settings))
    if settings.pool_leave_read_only:
        event.listen(engine.sync_engine, "handle_error", _leave_read_only)
    return engine


def _leave_read_only(context: ExceptionContext) -> None:
    """Have every connection of the pool replaced: if one leads to an old primary, all of the same age do."""
    if reason_of(context.original_exception, Phase.INSERT) is Reason.READ_ONLY:
        context.is_disconnect = True


def _driver(settings: Settings) -> str:
    # Either deadline is only as good as the way a connection that missed it is given up.
    if settings.deadline_statement or settings.deadline_request:
        dialect.register()
        return dialect.DRIVER
    return "postgresql+asyncpg"


def _pool(settings: Settings) -> dict[str, Any]:
    size, overflow = settings.pool_size, settings.pool_max_overflow
    if settings.pool_keeps_all:  # a login for each request beyond the size costs more than the request itself
        size, overflow = size + overflow, 0
    options: dict[str, Any] = {
        "pool_size": size,
        "max_overflow": overflow,
        "pool_use_lifo": settings.pool_use_lifo,
        "pool_pre_ping": settings.pool_pre_ping,
    }
    if settings.pool_recycle:
        options["pool_recycle"] = settings.pool_recycle_s
    if settings.pool_bounded_checkout:
        options["pool_timeout"] = settings.pool_timeout_s
    if settings.load_newest_first:
        options["poolclass"] = NewestFirstPool
    return options


def _connect_args(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if settings.commit_replicated or settings.pool_keepalive:
        options["connection_class"] = _connection_class(settings)
    if settings.deadline_connect:
        options["timeout"] = settings.connect_timeout_s
    if settings.deadline_statement:
        options["command_timeout"] = settings.statement_timeout_s
    if settings.deadline_statement and not settings.behind_pooler:
        options["server_settings"] = {
            "statement_timeout": _milliseconds(settings.server_statement_timeout_s),
            "lock_timeout": _milliseconds(settings.server_lock_timeout_s),
            "idle_in_transaction_session_timeout": _milliseconds(settings.server_idle_in_transaction_timeout_s),
        }
    if settings.behind_pooler and settings.pooler_prepare_anew:
        options |= _PREPARED_ANEW
    return options


def _unnamed() -> str:
    return ""


_PREPARED_ANEW = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": _unnamed,
}
"""Settings for the driver's cache, SQLAlchemy's cache and unnamed statements: each statement is prepared in the
transaction that executes it, and none conflicts with another client's of the same name in that session."""


def _connection_class(settings: Settings) -> type[Any]:
    base = WarnedConnection if settings.commit_replicated else asyncpg.Connection
    return kept_alive(base, settings) if settings.pool_keepalive else base


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))
