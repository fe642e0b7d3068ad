"""Converts messages to lines of JSON and back."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, get_args

from harness.processes.keeper import messages
from harness.processes.syscalls.event import SyscallEvent
from harness.processes.syscalls.rules import (
    CatchRule,
    Caught,
    ConnectRule,
    FileRule,
    LeadRule,
    OpeningRule,
    StreamRule,
)

# No environment variable's name can hold a NUL, so no mapping of ours is mistaken for a message.
_KIND = "\0kind"

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        *get_args(messages.Request),
        *get_args(messages.Reply),
        *get_args(messages.Report),
        SyscallEvent,
        ConnectRule,
        FileRule,
        StreamRule,
        OpeningRule,
        LeadRule,
        CatchRule,
        Caught,
    )
}


def encode(message: messages.Request | messages.Reply | messages.Report) -> bytes:
    """One line. Text that is not valid Unicode (surrogate escapes) survives."""
    return json.dumps(message, default=_fields, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> object:
    """Return the message of one line.

    The other end is our own code, so a line that does not fit is a bug and raises.
    """
    return json.loads(line, object_hook=_value)


def _fields(value: Any) -> dict[str, Any]:
    return {_KIND: type(value).__name__} | {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}


def _value(found: dict[str, Any]) -> Any:
    kind = found.pop(_KIND, None)
    if kind is None:
        return found
    return _KINDS[kind](**{key: tuple(item) if isinstance(item, list) else item for key, item in found.items()})
