"""A chaos and fault-injection regression harness.

This is the whole vocabulary of a scenario; everything else is the harness's own.
"""

# `wire` is the faults of that layer; the relay's package of the same name is imported by its modules' full names.
from harness.faults import Fault, link, no_fault, process, server, syscall, wire
from harness.faults.syscall import Errno
from harness.scenario.lab import Lab
from harness.scenario.markers import needs, proves
from harness.scenario.workload import Answer
from harness.vocabulary import (
    ACKNOWLEDGED,
    ANY_OUTCOME,
    REFUSED,
    UNKNOWN,
    Figure,
    Link,
    Message,
    Moment,
    Outcome,
    Postgres,
    Redis,
    postgres,
    redis,
    service,
)

__all__ = [
    "ACKNOWLEDGED",
    "ANY_OUTCOME",
    "REFUSED",
    "UNKNOWN",
    "Answer",
    "Errno",
    "Fault",
    "Figure",
    "Lab",
    "Link",
    "Message",
    "Moment",
    "Outcome",
    "Postgres",
    "Redis",
    "link",
    "needs",
    "no_fault",
    "postgres",
    "process",
    "proves",
    "redis",
    "server",
    "service",
    "syscall",
    "wire",
]
