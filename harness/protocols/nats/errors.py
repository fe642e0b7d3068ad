"""The errors of a NATS server.

Those that JetStream answers instead of storing, and those that end or refuse otherwise.
"""

from __future__ import annotations

import json
import re
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.message import Message

__all__ = ["NO_RESPONDERS", "TEXTS", "check_error", "error_answer", "error_line", "error_of", "is_final"]

NO_RESPONDERS: Final = "503"
"""The status of a request that has no subscriber: JetStream is not there, or no stream has that subject."""
UNAVAILABLE: Final = 503
"""JetStream's HTTP-like code for each of these error codes."""
TEXTS: Final = {
    "10008": "JetStream system temporarily unavailable",
    "10023": "insufficient resources",
    "10077": "maximum messages exceeded",
}
FINAL: Final = frozenset({"10071"})
"""Error codes that the same publication always gets again: another sequence was expected."""
_CODE: Final = re.compile(rf"{NO_RESPONDERS}|10\d\d\d")
_STATUS: Final = re.compile(rb"NATS/1\.0 (\d{3})\b ?([^\r\n]*)")
_ERROR: Final = re.compile(rb"^-ERR '?(.*?)'?\r?\n")


def check_error(place: str, error: ServerError, message: str | None) -> None:
    """Refuse a text that is not an error code of JetStream, and a fatal error. Raises UsageError."""
    if not _CODE.fullmatch(error.code):
        mend = "write an error code of JetStream's, such as '10008', or '503': no responders"
        raise UsageError.at(place, "code", error.code, "not an error of NATS", mend=mend)
    if error.fatal:
        raise UsageError.at(
            place, "fatal", True, "such an error does not end the connection", mend="leave it out, or cut"
        )
    if message not in (None, "PUB", "HPUB"):
        raise UsageError.at(place, "message", message, "only a publication is answered", mend="leave it out")


def error_answer(error: ServerError, reply: str, number: str) -> bytes:
    """Return JetStream's answer to a publication, for the subscription with this number."""
    if error.code == NO_RESPONDERS:
        head = b"NATS/1.0 503\r\n\r\n"
        return f"HMSG {reply} {number} {len(head)} {len(head)}\r\n".encode() + head + b"\r\n"
    said = {"code": UNAVAILABLE, "err_code": int(error.code), "description": _text(error)}
    body = json.dumps({"error": said, "stream": "", "seq": 0}).encode()
    return f"MSG {reply} {number} {len(body)}\r\n".encode() + body + b"\r\n"


def error_line(error: ServerError) -> bytes:
    """Return the server's refusal of a publication that asks for no answer."""
    return f"-ERR '{_text(error)}'\r\n".encode()


def error_of(message: Message) -> ServerError | None:
    """Return the error that a message of the server reports."""
    head = bytes(message.frame.head)
    if message.name == "ERR":
        said = _ERROR.match(head)
        return ServerError("ERR", said[1].decode("utf-8", "replace") if said else "")
    if message.name == "HMSG" and (status := _STATUS.search(head)):
        return ServerError(status[1].decode(), status[2].decode("utf-8", "replace"))
    if message.name == "MSG" and b'"err_code"' in head:
        return _of_jetstream(head.partition(b"\n")[2])
    return None


def is_final(error: ServerError) -> bool:
    """Whether the same publication would certainly fail again."""
    return error.code in FINAL


def _text(error: ServerError) -> str:
    return error.text or TEXTS.get(error.code, "put here by the harness")


def _of_jetstream(body: bytes) -> ServerError | None:
    try:
        said = json.loads(body)["error"]
        return ServerError(str(said["err_code"]), str(said.get("description", "")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
