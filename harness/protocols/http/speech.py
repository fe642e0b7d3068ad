"""How the relay reads HTTP/1.x."""

from __future__ import annotations

import re
from typing import Final

from harness.protocols.contract.speech import Grammar, Speech
from harness.protocols.http.errors import check_error, error_of, is_final
from harness.protocols.http.wire.conversation import HttpConversation
from harness.protocols.http.wire.fingerprint import shape_of
from harness.protocols.http.wire.framing import TUNNEL
from harness.protocols.http.wire.length import WrongLength

__all__ = ["SPEECH"]

REQUEST_LINE: Final = re.compile(rb"[A-Z]{3,20} [!-~]+( HTTP/1\.[01]\r?\n|\Z)")
"""A whole request line of HTTP/1.x, or the beginning of one whose path goes on."""


def _recognises(first: bytes) -> bool:
    return REQUEST_LINE.match(first) is not None


SPEECH: Final = Speech(
    conversation=HttpConversation,
    shape=shape_of,
    check_error=check_error,
    grammar=Grammar(endless=frozenset({TUNNEL})),
    actions=(WrongLength,),
    error_of=error_of,
    is_final=is_final,
    recognises=_recognises,
)
