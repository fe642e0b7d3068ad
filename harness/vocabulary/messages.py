"""What a message on a link may be called: the protocols' own names for what each side sends.

PostgreSQL's are from "Message Formats" in its manual (protocol version 3), in which `SSLAnswer` and
`GSSENCAnswer`, the one unframed byte that answers a request for encryption, have no name. A Redis
command is called by its first word; its answers by their RESP type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from harness.errors import UsageError
from harness.vocabulary.refusals import at_least_one

Direction = Literal["sent", "answered"]
"""Sent: by the service. Answered: by the server."""
Phase = Literal["startup", "authentication", "query", "commit", "idle"]
"""Where a connection stands when the message passes. `commit`: from the COMMIT to the end of its answer."""

BEFORE_ANY_STATEMENT = ("startup", "authentication")
COMMAND = re.compile(r"[A-Z][A-Z0-9._-]*")

_COPIED = ("CopyData", "CopyDone")
_POSTGRES: Mapping[Direction, tuple[str, ...]] = {
    "sent": (
        "StartupMessage", "SSLRequest", "GSSENCRequest", "CancelRequest",
        "PasswordMessage", "SASLInitialResponse", "SASLResponse", "GSSResponse",
        "Query", "Parse", "Bind", "Describe", "Execute", "Close", "Flush", "Sync", "FunctionCall",
        *_COPIED, "CopyFail", "Terminate",
    ),
    "answered": (
        "SSLAnswer", "GSSENCAnswer", "NegotiateProtocolVersion",
        "AuthenticationOk", "AuthenticationKerberosV5", "AuthenticationCleartextPassword",
        "AuthenticationMD5Password", "AuthenticationGSS", "AuthenticationGSSContinue", "AuthenticationSSPI",
        "AuthenticationSASL", "AuthenticationSASLContinue", "AuthenticationSASLFinal",
        "BackendKeyData", "ParameterStatus", "ReadyForQuery",
        "RowDescription", "DataRow", "CommandComplete", "EmptyQueryResponse", "ErrorResponse", "NoticeResponse",
        "NotificationResponse", "ParseComplete", "BindComplete", "CloseComplete", "ParameterDescription", "NoData",
        "PortalSuspended", "FunctionCallResponse", "CopyInResponse", "CopyOutResponse", "CopyBothResponse", *_COPIED,
    ),
}  # fmt: skip
_RESP = (
    "SimpleString", "Error", "Integer", "BulkString", "Array", "Map", "Set", "Push", "Double", "Boolean", "Null",
    "BigNumber", "BulkError", "Verbatim", "Attribute",
)  # fmt: skip


def names_of(protocol: str, direction: Direction) -> tuple[str, ...]:
    """Every name that a message of this protocol and direction may have; none where the list is open."""
    if protocol == "postgres":
        return _POSTGRES[direction]
    return _RESP if direction == "answered" else ()


def a_message_name(place: str, name: str, protocol: str, direction: Direction) -> None:
    """Refuse a name that no message of this protocol and direction has. Raises UsageError."""
    known = names_of(protocol, direction)
    if known and name not in known:
        other: Direction = "answered" if direction == "sent" else "sent"
        if name in names_of(protocol, other):
            mend = f"write .{other}(message={name!r})"
            raise UsageError.at(place, "message", name, "goes the other way", mend=mend)
        raise UsageError.at(place, "message", name, f"no message of {protocol} that is {direction}", valid=known)
    if not known and not COMMAND.fullmatch(name):
        mend = f"write {name.upper().partition(' ')[0] or 'SET'!r}"
        raise UsageError.at(place, "message", name, "not a command's first word in capitals", mend=mend)


def a_count(place: str, key: str, number: int | None) -> None:
    """Refuse a number that counts from 1 and is less."""
    if number is not None:
        at_least_one(place, key, number, "counts from 1")


def a_phase_of_the_unit(place: str, phase: Phase | None, message: str | None, protocol: str) -> None:
    """Refuse a whole statement in a phase that has none: a single message must be named there."""
    if protocol == "postgres" and message is None and phase in BEFORE_ANY_STATEMENT:
        mend = 'name a message, such as message="StartupMessage" or message="ReadyForQuery"'
        raise UsageError.at(place, "phase", phase, "there is no statement in this phase", mend=mend)
