"""The errors with which PostgreSQL can be made to answer."""

from __future__ import annotations

import re
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Message
from harness.protocols.postgres.wire.messages import error_code, error_text, is_last_word

__all__ = ["REPLACEABLE", "check_error", "error_of", "is_final", "of_one_request"]

SQLSTATE: Final = re.compile(r"(?!00)[0-9A-Z]{5}")
REPLACEABLE: Final = frozenset({"Query", "FunctionCall", "Parse", "Bind", "Describe", "Execute", "Close"})

# What is wrong with a statement, its values or its rights stays wrong. Appendix A of PostgreSQL's manual.
FINAL: Final = (
    "22",  # data exception
    "23502",  # not_null_violation
    "23503",  # foreign_key_violation
    "23514",  # check_violation
    "28",  # invalid authorization
    "3D",  # no such database
    "3F",  # no such schema
    "42",  # syntax error, or insufficient privilege
    "54",  # program limit exceeded
)
NOT_FINAL: Final = (
    "42P05",  # duplicate_prepared_statement: behind a pooler, another name may be free
)
# Not there on purpose: 23505 and 23P01 (a unique key, an exclusion) may be another transaction's doing, and the manual
# says to retry them; 0A000 is also a cached plan that has become invalid, which preparing again mends.

OF_ONE_REQUEST: Final = (
    "21", "22", "23", "27", "44", "P0",  # what a statement says, or a constraint, or a function
    "40001", "40P01",  # two transactions in each other's way
    "42", "54",
    "55P03", "57014",  # a lock was not available in time; a statement took too long
)  # fmt: skip


def error_of(message: Message) -> ServerError | None:
    """Return the error that an answer reports."""
    if message.name != "ErrorResponse":
        return None
    head = message.frame.head
    return ServerError(error_code(head), error_text(head), fatal=is_last_word(head))


def is_final(error: ServerError) -> bool:
    """Whether the same statement would certainly fail again."""
    return error.code.startswith(FINAL) and error.code not in NOT_FINAL


def of_one_request(error: ServerError) -> bool:
    """Whether it is about one statement, its values or its transaction, but not about the session or the server."""
    return not error.fatal and error.code.startswith(OF_ONE_REQUEST) and error.code not in NOT_FINAL


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse a text that is not an error's SQLSTATE, and a message that an error cannot answer. Raises UsageError."""
    if not SQLSTATE.fullmatch(error.code):
        mend = "write five of 0-9 and A-Z, such as '40001' (PostgreSQL's appendix A)"
        raise UsageError.at(place, "code", error.code, "not an SQLSTATE of an error", mend=mend)
    if message is not None and message not in REPLACEABLE and not error.fatal:
        problem = "the server cannot be made to answer such a message with an error"
        raise UsageError.at(place, "message", message, problem, valid=REPLACEABLE, mend="write fatal=True")
