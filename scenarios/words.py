"""What the proofs of several scenarios look for, in a check's reason or in the service's log."""

CLOSED = "connection is closed|connection was closed in the middle of operation"
"""asyncpg, on a connection that went away before, or during, its use."""
IN_FLIGHT = "ConnectionDoesNotExistError: connection was closed in the middle of operation"
"""The incident's first symptom, word for word."""
UNHANDLED = "Exception in ASGI application.*"
"""Comes before a reason that nothing caught. A retry logs the same reason without these words."""
ERROR_22 = r"Error 22 connecting to .*\. Invalid argument\."
"""The incident's second symptom, as redis-py prints it."""
REFUSED_CONNECT = "ConnectionRefusedError|Connect call failed"
WAITS_FOR_POSTGRES = "waiting for postgres"
WAITS_FOR_REDIS = "waiting for redis"
GROUPED = (
    "WEBHOOK_COMMIT_GROUP=on", "WEBHOOK_GROUP_COMMITTERS=1",
    # While the first one is held the others come, on a busy machine, too.
    "WEBHOOK_GROUP_QUICK_S=30", "WEBHOOK_POOL_TIMEOUT_S=4", "WEBHOOK_STATEMENT_TIMEOUT_S=4.5",
    "WEBHOOK_REDIS_OPERATION_TIMEOUT_S=2", "WEBHOOK_CONNECT_TIMEOUT_S=3",
)  # fmt: skip
"""Group commit with one transaction at a time, and with time for a busy machine."""
