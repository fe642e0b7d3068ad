"""A status as an error: which are valid, and the response that the relay makes of one."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError

__all__ = ["check_error", "error_response"]

CODE: Final = re.compile(r"[2-5][0-9]{2}")
TEXT: Final = "put here by the harness"
BODILESS: Final = ("204", "304")


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse what is not the status of a final response. Raises UsageError."""
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
