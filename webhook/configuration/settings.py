"""Every setting of the service, read from the environment.

A protection named `pool.pre_ping` is switched by `WEBHOOK_POOL_PRE_PING` (on or off); its limits are settings of
their own. `webhook/configuration/protections.py` has the table.
"""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import URL

from webhook.configuration.complaints import SettingsError, explain, unknown_variables, valid_values
from webhook.configuration.locations import (
    database_url,
    redis_sentinels,
    redis_url,
    replica_url,
    signing_secrets,
    source_secrets,
)

__all__ = ["Settings", "SettingsError", "load_database_url", "load_settings"]

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=100_000)]
KeepaliveSeconds = Annotated[int, Field(ge=1, le=32_767)]
"""Whole seconds, and the most that Linux takes."""
CountOrNone = Annotated[int, Field(ge=0, le=100_000)]


class Settings(BaseSettings):
    """The defaults are the hardened profile: every protection is on. Times are in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="WEBHOOK_", env_parse_none_str="none", frozen=True, arbitrary_types_allowed=True
    )

    database_url: Annotated[URL, NoDecode] = Field(validation_alias="DATABASE_URL")
    redis_url: SecretStr = Field(validation_alias="REDIS_URL")
    replica_url: Annotated[URL | None, NoDecode] = None
    """A standby of the same database, from which GET reads. Without it GET reads from the primary."""
    secrets: Annotated[tuple[bytes, ...], NoDecode]
    """The keys that may sign a delivery; several, so that they can be rotated."""
    source_secrets: Annotated[Mapping[str, tuple[bytes, ...]], NoDecode] = {}
    """The keys of sources that have their own. Such a source accepts no other key, and no other source accepts
    these."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    redis_prefix: Annotated[str, Field(max_length=200)] = "webhook:"
    allow_unsafe: bool = False
    """Permits the switches that lose or double deliveries."""

    # What a client may send.
    body_limit_bytes: Annotated[int, Field(ge=1, le=1 << 30)] = 1 << 20
    headers_limit_bytes: Annotated[int, Field(ge=256, le=1 << 20)] = 32 << 10
    headers_timeout_s: Seconds = 5.0
    timestamp_tolerance_s: Seconds = 300.0
    retry_after_s: Count = 1
    """The Retry-After of a refusal."""

    # The pool of PostgreSQL connections.
    pool_size: Count = 5
    pool_max_overflow: CountOrNone = 10
    """Connections beyond the pool's size. With `pool.keeps_all` they are kept like the others."""
    pool_keeps_all: bool = True
    pool_use_lifo: bool = True
    pool_pre_ping: bool = True
    pool_leave_read_only: bool = True
    pool_recycle: bool = True
    pool_recycle_s: Seconds = 1800.0
    pool_bounded_checkout: bool = True
    pool_timeout_s: Seconds = 1.5

    # Group commit: deliveries that arrive together are stored by one transaction.
    commit_group: bool = False
    group_splits: bool = True
    group_committers: Count = 2
    """How many transactions run at once while they are quick."""
    group_quick_s: Seconds = 0.1
    """A transaction that takes longer lets another start beside it, up to half of the pool's connections."""
    group_rows_max: Count = 32
    group_bytes_max: Annotated[int, Field(ge=1, le=1 << 30)] = 4 << 20
    """The bytes of all bodies in one batch; a larger body is stored alone."""
    group_redis_quick_s: Seconds = 0.01
    """After that Redis is asked on another connection, too. It must be well below `redis_operation_timeout_s`."""

    # A pooler of transactions (PgBouncer) in front of PostgreSQL: nothing of a session is left in the next transaction.
    behind_pooler: bool = False
    """If set, no time-outs are set when connecting: they belong to the role (`ALTER ROLE ... SET`)."""
    pooler_prepare_anew: bool = True

    # A line that is dead: how long it has to be idle before it is tried, how often then, and when it is given up.
    pool_keepalive: bool = True
    keepalive_idle_s: KeepaliveSeconds = 2
    keepalive_interval_s: KeepaliveSeconds = 1
    keepalive_dead_s: KeepaliveSeconds = 3

    # Looking up the servers' host names.
    names_bounded: bool = True
    names_timeout_s: Seconds = 0.3
    names_last_known: bool = True

    # Deadlines. The server's are a ladder below the client's, so that the server's own word comes first.
    deadline_connect: bool = True
    connect_timeout_s: Seconds = 1.0
    deadline_statement: bool = True
    statement_timeout_s: Seconds = 2.0
    server_statement_timeout_s: Seconds = 1.7
    server_lock_timeout_s: Seconds = 1.5
    server_idle_in_transaction_timeout_s: Seconds = 1.4
    deadline_request: bool = True
    request_timeout_s: Seconds = 5.0

    # Trying again.
    retry_database: bool = True
    retry_style: Literal["jittered", "linear"] = "jittered"
    retry_attempts: Count = 3
    """All attempts, the first included."""
    retry_delay_s: Seconds = 0.05
    retry_delay_max_s: Seconds = 1.0
    retry_jitter: bool = True
    retry_budget: bool = True
    retry_budget_ratio: Annotated[float, Field(gt=0, le=1)] = 0.2
    retry_budget_burst: Count = 50
    commit_resolve: bool = True
    resolve_attempts: Count = 10

    # What an answer promises.
    insert_idempotent: bool = True
    ack_after_commit: bool = True
    commit_replicated: bool = True
    errors_refuse: bool = True

    # The second server: written to where it has become the primary, and read from.
    primary_found: bool = True
    replica_must_follow: bool = True
    replica_absence_is_no_proof: bool = True
    replica_fall_back: bool = True
    replica_bounded: bool = True
    replica_timeout_s: Seconds = 0.3
    """Limits one read from it, including the connect."""

    # Redis.
    redis_found: bool = True
    redis_sentinels: Annotated[tuple[tuple[str, int], ...], NoDecode] = ()
    """Sentinels that know which Redis is the primary; without them it is the one of `REDIS_URL`."""
    redis_sentinel_name: Annotated[str, Field(min_length=1, max_length=200)] = "mymaster"
    """The primary's name in the Sentinels."""
    redis_timeouts: bool = True
    redis_operation_timeout_s: Seconds | None = 0.05
    """Limits one use of Redis, including the connect."""
    redis_connect_timeout_s: Seconds | None = None
    redis_socket_timeout_s: Seconds | None = None
    redis_health_check_interval_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    redis_retry_on_timeout: bool = False
    redis_one_attempt: bool = True
    redis_leave_read_only: bool = True
    redis_breaker: bool = True
    breaker_failures: Count = 3
    breaker_open_s: Seconds = 1.0
    redis_fail_open: bool = True
    redis_ttl_s: Count = 86_400

    # Overload, start and stop.
    load_shed: bool = True
    shed_waiting_max: CountOrNone = 15
    load_newest_first: bool = True
    start_degraded: bool = True
    drain_sigterm: bool = True
    drain_grace_s: Seconds = 5.0
    ready_timeout_s: Seconds = 0.5

    @field_validator("database_url", mode="before")
    @classmethod
    def _database_url(cls, value: object) -> URL:
        return database_url(str(value))

    @field_validator("replica_url", mode="before")
    @classmethod
    def _replica_url(cls, value: object) -> URL | None:
        return None if value is None else replica_url(str(value))

    @field_validator("redis_url", mode="before")
    @classmethod
    def _redis_url(cls, value: object) -> str:
        return redis_url(str(value))

    @field_validator("redis_sentinels", mode="before")
    @classmethod
    def _redis_sentinels(cls, value: object) -> object:
        return redis_sentinels(value) if isinstance(value, str) else value

    @field_validator("secrets", mode="before")
    @classmethod
    def _secrets(cls, value: object) -> tuple[bytes, ...]:
        return signing_secrets(str(value))

    @field_validator("source_secrets", mode="before")
    @classmethod
    def _source_secrets(cls, value: object) -> object:
        return source_secrets(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _agree(self) -> "Settings":
        unsafe = [name for name in ("insert_idempotent", "ack_after_commit") if not getattr(self, name)]
        if unsafe and not self.allow_unsafe:
            variable = f"WEBHOOK_{unsafe[0].upper()}"
            raise ValueError(
                f"{variable}=off loses or doubles deliveries: set WEBHOOK_ALLOW_UNSAFE=1, or {variable}=on"
            )
        if self.redis_sentinels and self.redis_url.get_secret_value().startswith("unix:"):
            raise ValueError("WEBHOOK_REDIS_SENTINELS tells hosts: set REDIS_URL to redis:// or rediss://, or unset it")
        if self.deadline_statement and self.server_statement_timeout_s >= self.statement_timeout_s:
            raise ValueError(
                f"WEBHOOK_SERVER_STATEMENT_TIMEOUT_S={self.server_statement_timeout_s:g} must be below "
                f"WEBHOOK_STATEMENT_TIMEOUT_S={self.statement_timeout_s:g}, so that the server's time-out comes first"
            )
        # Without a limit for a request no time to drain is long enough: there is nothing to compare.
        if self.drain_sigterm and self.deadline_request and self.drain_grace_s < self.request_timeout_s:
            raise ValueError(
                f"WEBHOOK_DRAIN_GRACE_S={self.drain_grace_s:g} must not be below "
                f"WEBHOOK_REQUEST_TIMEOUT_S={self.request_timeout_s:g}, the time that an accepted request may need: "
                f"set WEBHOOK_DRAIN_GRACE_S={self.request_timeout_s:g}"
            )
        return self


# Not `Settings()`: a type checker would miss the required ones.
_ALL_FROM_THE_ENVIRONMENT: dict[str, Any] = {}


def load_settings() -> Settings:
    """Read and check the environment.

    Raises:
        SettingsError: names each wrong variable, its value, what is valid, and the closest name for an unknown one.

    """
    fields = Settings.model_fields
    problems = unknown_variables(os.environ, fields)
    try:
        settings = Settings(**_ALL_FROM_THE_ENVIRONMENT)
    except ValidationError as error:
        raise SettingsError([*problems, *explain(error, fields)]) from error
    if problems:
        raise SettingsError(problems)
    return settings


def load_database_url() -> URL:
    """Read the one setting that a migration needs. Raises SettingsError, as `load_settings` does."""
    valid = valid_values("database_url", Settings.model_fields["database_url"])
    text = os.environ.get("DATABASE_URL")
    if not text:
        raise SettingsError([f"DATABASE_URL is not set; valid: {valid}"])
    try:
        return database_url(text)
    except ValueError as error:
        raise SettingsError([f"DATABASE_URL=(not shown): {error}; valid: {valid}"]) from error
