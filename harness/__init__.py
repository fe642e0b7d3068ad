"""A chaos and fault-injection regression harness.

It exports the whole vocabulary of a scenario; everything else is internal.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.chaos import Chaos
    from harness.engine.workload.clients import Answer
    from harness.faults import Fault, link, names, no_fault, process, server, syscall, wire
    from harness.faults.syscall import Errno
    from harness.protocols.http.faults import wrong_length
    from harness.protocols.http.words import Http, http
    from harness.protocols.nats.words import Nats, nats
    from harness.protocols.postgres.words import Postgres, postgres
    from harness.protocols.redis.words import Redis, redis
    from harness.protocols.tcp.words import Tcp, tcp
    from harness.scenario.lab import Lab
    from harness.scenario.markers import needs, nightly, proves
    from harness.vocabulary import (
        ABSENT,
        ACKNOWLEDGED,
        ALREADY,
        ANY_OUTCOME,
        CONFLICT,
        ENDS,
        REFUSED,
        REJECTED,
        THROTTLED,
        UNKNOWN,
        Figure,
        Link,
        Message,
        Moment,
        Outcome,
        service,
    )

__all__ = [
    "ABSENT",
    "ACKNOWLEDGED",
    "ALREADY",
    "ANY_OUTCOME",
    "CONFLICT",
    "ENDS",
    "REFUSED",
    "REJECTED",
    "THROTTLED",
    "UNKNOWN",
    "Answer",
    "Chaos",
    "Errno",
    "Fault",
    "Figure",
    "Http",
    "Lab",
    "Link",
    "Message",
    "Moment",
    "Nats",
    "Outcome",
    "Postgres",
    "Redis",
    "Tcp",
    "http",
    "link",
    "names",
    "nats",
    "needs",
    "nightly",
    "no_fault",
    "postgres",
    "process",
    "proves",
    "redis",
    "server",
    "service",
    "syscall",
    "tcp",
    "wire",
    "wrong_length",
]

_HOMES: Mapping[str, str] = {
    "Answer": "harness.engine.workload.clients",
    "Chaos": "harness.chaos",
    "Errno": "harness.faults.syscall",
    "Fault": "harness.faults",
    "Http": "harness.protocols.http.words",
    "Lab": "harness.scenario.lab",
    "Nats": "harness.protocols.nats.words",
    "Postgres": "harness.protocols.postgres.words",
    "Redis": "harness.protocols.redis.words",
    "Tcp": "harness.protocols.tcp.words",
    "http": "harness.protocols.http.words",
    "link": "harness.faults",
    "names": "harness.faults",
    "nats": "harness.protocols.nats.words",
    "needs": "harness.scenario.markers",
    "nightly": "harness.scenario.markers",
    "no_fault": "harness.faults",
    "postgres": "harness.protocols.postgres.words",
    "process": "harness.faults",
    "proves": "harness.scenario.markers",
    "redis": "harness.protocols.redis.words",
    "server": "harness.faults",
    "syscall": "harness.faults",
    "tcp": "harness.protocols.tcp.words",
    "wire": "harness.faults",
    "wrong_length": "harness.protocols.http.faults",
}
"""Where each word comes from; the others are from the vocabulary."""
_VOCABULARY = "harness.vocabulary"


if not TYPE_CHECKING:  # a type checker knows the words from their imports above, and that there are no others

    def __getattr__(name: str) -> object:
        """Import a word's home when the word is first used (PEP 562).

        pytest and `harness run` load this package every time, and need none of the words.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
        word = getattr(import_module(_HOMES.get(name, _VOCABULARY)), name)
        globals()[name] = word
        return word


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
