"""A status as an error: which statuses are valid, and the response that the relay makes for one."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Message

__all__ = ["check_error", "error_of", "error_response", "is_final"]

CODE: Final = re.compile(r"[2-5][0-9]{2}")
TEXT: Final = "put here by the harness"
BODILESS: Final = ("204", "304")
# The request itself is wrong (RFC 9110, 15.5). Left out on purpose: 401 and 407 (right with a new token), 404
# (it may come to be), 408, 409, 421, 423, 424, 425 and 429 (another time).
FINAL: Final = frozenset(
    {400, 402, 403, 405, 406, 410, 411, 412, 413, 414, 415, 416, 417, 422, 426, 428, 431, 451, 501, 505}
)
STATUS_LINE: Final = re.compile(rb"HTTP/\d\.\d ([45]\d\d)")


def error_of(message: Message) -> ServerError | None:
    """Return the error that a response's head reports."""
    found = STATUS_LINE.match(message.frame.head) if message.name == "Response" else None
    return None if found is None else ServerError(found[1].decode())


def is_final(error: ServerError) -> bool:
    """Whether the same request would certainly fail again."""
    return int(error.code) in FINAL


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse a text that is not the status of a final response. Raises UsageError."""
    del message  # every message that is sent is a request
    if not CODE.fullmatch(error.code):
        mend = "write the status of a final response, three digits from 200 to 599, such as '503'"
        raise UsageError.at(place, "code", error.code, "not a status that answers a request", mend=mend)


def error_response(error: ServerError, method: str, *, closes: bool) -> bytes:
    """Return a response as a server makes it: the status with its usual reason, and the text as its body."""
    body = (error.text or TEXT).encode()
    lines = [f"HTTP/1.1 {error.code} {_reason(error.code)}".rstrip()]
    if error.code not in BODILESS:
        lines += ["Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(body)}"]
    if closes:
        lines.append("Connection: close")
    if method == "HEAD" or error.code in BODILESS:
        body = b""
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + body


def _reason(code: str) -> str:
    try:
        return HTTPStatus(int(code)).phrase
    except ValueError:  # a status that is not registered (RFC 9110, section 16.2)
        return ""
