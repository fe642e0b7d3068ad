"""The protections: a dotted name, what it is limited by, and what the service does without it.

The name gives the switch: `pool.pre_ping` is `WEBHOOK_POOL_PRE_PING`.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protection:
    """One thing that the service does against faults."""

    name: str
    limits: Sequence[str]
    """Names of the settings that say how far it goes."""
    off: str
    """What happens when it is switched off."""
    unsafe: bool = False
    """Off, it loses or doubles deliveries: `WEBHOOK_ALLOW_UNSAFE=1` is needed."""

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
    Protection("pool.pre_ping", (), "a pooled connection is used as it is, dead or not"),
    Protection("pool.leave_read_only", (), "of the connections to an old primary only the one that met it is replaced"),
    Protection(
        "pool.keeps_all",
        ("pool_size", "pool_max_overflow"),
        "what was opened beyond the pool's size is closed after its request, SQLAlchemy's default",
    ),
    Protection("pool.recycle", ("pool_recycle_s",), "a connection is kept however old it is"),
    Protection("pool.bounded_checkout", ("pool_timeout_s",), "a connection is waited for 30 s, SQLAlchemy's default"),
    Protection(
        "pool.keepalive",
        ("keepalive_idle_s", "keepalive_interval_s", "keepalive_dead_s"),
        "a dead connection is noticed when it is used",
    ),
    Protection("pooler.prepare_anew", (), "behind a pooler statements are prepared once a session, as without one"),
    Protection("names.bounded", ("names_timeout_s",), "a name is waited for as long as the resolver does, some 10 s"),
    Protection("names.last_known", (), "a server whose name cannot be looked up is not connected to"),
    Protection("deadline.connect", ("connect_timeout_s",), "connecting may take 60 s, asyncpg's default"),
    Protection("deadline.statement", ("statement_timeout_s", *_SERVER_LIMITS), "a statement is waited for without end"),
    Protection("deadline.request", ("request_timeout_s",), "a request has no limit of its own"),
    Protection(
        "retry.database",
        ("retry_style", "retry_attempts", "retry_delay_s", "retry_delay_max_s"),
        "the first failure is the answer",
    ),
    Protection("retry.budget", ("retry_budget_ratio", "retry_budget_burst"), "every request may retry"),
    Protection("retry.jitter", (), "pauses are exactly exponential, the same for all"),
    Protection("commit.resolve", ("resolve_attempts",), "a lost COMMIT is answered 504 at once"),
    Protection(
        "group.splits",
        ("group_committers", "group_quick_s", "group_rows_max", "group_bytes_max"),
        "with group commit, all deliveries of a batch share what is wrong with one of them",
    ),
    Protection("insert.idempotent", (), "the unique key is dropped at start, a plain INSERT is used", unsafe=True),
    Protection("ack.after_commit", (), "the answer goes out before the COMMIT", unsafe=True),
    Protection("commit.replicated", (), "a row that only the primary has is acknowledged when it is found there"),
    Protection("primary.found", (), "only DATABASE_URL's server is written to, though the replica may be the primary"),
    Protection("replica.must_follow", (), "a replica that was promoted, and goes its own way, is read like any other"),
    Protection("replica.absence_is_no_proof", (), "a delivery that the replica lacks is said not to be stored: 404"),
    Protection("replica.fall_back", (), "a read that the replica fails is refused"),
    Protection("replica.bounded", ("replica_timeout_s",), "the replica is waited for as long as the primary would be"),
    Protection(
        "redis.timeouts",
        ("redis_operation_timeout_s", "redis_connect_timeout_s", "redis_socket_timeout_s"),
        "redis-py's own defaults (5 s to connect, 5 s an answer)",
    ),
    Protection("redis.one_attempt", ("redis_retry_on_timeout",), "redis-py's own retries"),
    Protection(
        "redis.found",
        ("redis_sentinel_name",),
        "only REDIS_URL's server is used, though Sentinel knows of another primary",
    ),
    Protection("redis.leave_read_only", (), "a connection to a demoted Redis is kept, which takes no writes"),
    Protection("redis.breaker", ("breaker_failures", "breaker_open_s"), "every request tries Redis"),
    Protection("redis.fail_open", (), "a Redis error fails the request"),
    Protection("load.shed", ("shed_waiting_max",), "everyone queues for a connection"),
    Protection("load.newest_first", (), "a connection is given to the request that has waited longest"),
    Protection("start.degraded", (), "the start connects to both servers, and ends with status 1 where it cannot"),
    Protection("errors.refuse", (), "exceptions escape: 500, and the traceback in the log"),
    Protection("drain.sigterm", ("drain_grace_s",), "SIGTERM kills at once"),
)
