"""The protections: a dotted name, the settings that limit it, and what the service does without it.

The name gives the switch: `pool.pre_ping` is `WEBHOOK_POOL_PRE_PING`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protection:
    """One thing that the service does against faults."""

    name: str
    limits: Sequence[str]
    """Names of the settings that limit it."""
    off: str
    """What happens when it is switched off."""
    unsafe: bool = False
    """When it is off, the service loses or doubles deliveries: `WEBHOOK_ALLOW_UNSAFE=1` is required."""

    @property
    def field(self) -> str:
        """The attribute of `Settings`."""
        return self.name.replace(".", "_")

    @property
    def variable(self) -> str:
        """The switch's environment variable."""
        return f"WEBHOOK_{self.field.upper()}"


_SERVER_LIMITS = ("server_statement_timeout_s", "server_lock_timeout_s", "server_idle_in_transaction_timeout_s")

PROTECTIONS = (
    Protection("pool.pre_ping", (), "a pooled connection is used without a check whether it is dead"),
    Protection("pool.leave_read_only", (), "only the connection that meets an old primary is replaced, not the pool"),
    Protection(
        "pool.keeps_all",
        ("pool_size", "pool_max_overflow"),
        "connections beyond the pool's size are closed after their request, SQLAlchemy's default",
    ),
    Protection("pool.recycle", ("pool_recycle_s",), "a connection is kept at any age"),
    Protection(
        "pool.bounded_checkout", ("pool_timeout_s",), "a request waits 30 s for a connection, SQLAlchemy's default"
    ),
    Protection(
        "pool.keepalive",
        ("keepalive_idle_s", "keepalive_interval_s", "keepalive_dead_s"),
        "a dead connection is only noticed when it is used",
    ),
    Protection("pooler.prepare_anew", (), "behind a pooler, too, statements are prepared once per session"),
    Protection("names.bounded", ("names_timeout_s",), "a look-up may take as long as the resolver waits, some 10 s"),
    Protection("names.last_known", (), "a server whose name cannot be looked up is not connected to"),
    Protection("deadline.connect", ("connect_timeout_s",), "connecting may take 60 s, asyncpg's default"),
    Protection("deadline.statement", ("statement_timeout_s", *_SERVER_LIMITS), "a statement may take for ever"),
    Protection("deadline.request", ("request_timeout_s",), "a request has no limit of its own"),
    Protection(
        "retry.database",
        ("retry_style", "retry_attempts", "retry_delay_s", "retry_delay_max_s"),
        "nothing is retried: the first failure is the answer",
    ),
    Protection("retry.budget", ("retry_budget_ratio", "retry_budget_burst"), "every request may retry"),
    Protection("retry.jitter", (), "pauses are exactly exponential, the same for all"),
    Protection("commit.resolve", ("resolve_attempts",), "a lost COMMIT is answered 504 at once"),
    Protection(
        "group.splits",
        ("group_committers", "group_quick_s", "group_rows_max", "group_bytes_max", "group_redis_quick_s"),
        "with group commit, if one delivery of a batch fails, all of them fail",
    ),
    Protection(
        "insert.idempotent", (), "the unique key is dropped at the start, and a plain INSERT is used", unsafe=True
    ),
    Protection("ack.after_commit", (), "the answer goes out before the COMMIT", unsafe=True),
    Protection("commit.replicated", (), "a row on the primary is acknowledged even if no standby has it"),
    Protection("primary.found", (), "only DATABASE_URL's server is written to, even if the replica is the primary"),
    Protection(
        "replica.must_follow", (), "a promoted replica that no longer follows the primary is read like any other"
    ),
    Protection("replica.absence_is_no_proof", (), "if the replica lacks a delivery, the answer is 404, not stored"),
    Protection("replica.fall_back", (), "if the replica fails, the read is refused"),
    Protection(
        "replica.bounded", ("replica_timeout_s",), "the service waits for the replica as long as for the primary"
    ),
    Protection(
        "redis.timeouts",
        ("redis_operation_timeout_s", "redis_connect_timeout_s", "redis_socket_timeout_s"),
        "redis-py's own defaults (5 s to connect, 5 s for each answer)",
    ),
    Protection("redis.one_attempt", ("redis_retry_on_timeout",), "redis-py's own retries"),
    Protection(
        "redis.found",
        ("redis_sentinel_name",),
        "only REDIS_URL's server is used, even if Sentinel names another primary",
    ),
    Protection("redis.leave_read_only", (), "a connection to a demoted Redis, which takes no writes, is kept"),
    Protection("redis.breaker", ("breaker_failures", "breaker_open_s"), "every request tries Redis"),
    Protection("redis.fail_open", (), "a Redis error fails the request"),
    Protection("load.shed", ("shed_waiting_max",), "every request queues for a connection"),
    Protection("load.newest_first", (), "a connection is given to the request that has waited longest"),
    Protection("start.degraded", (), "the start connects to both servers, and ends with status 1 if it cannot"),
    Protection("errors.refuse", (), "exceptions escape: 500, and the traceback in the log"),
    Protection("drain.sigterm", ("drain_grace_s",), "SIGTERM kills at once"),
)
