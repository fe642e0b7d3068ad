"""How the relay reads HTTP/1.x."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.speech import Grammar, Speech
from harness.protocols.http.errors import check_error, error_of, is_final
from harness.protocols.http.wire.conversation import HttpConversation
from harness.protocols.http.wire.fingerprint import shape_of
from harness.protocols.http.wire.framing import TUNNEL
from harness.protocols.http.wire.length import WrongLength

__all__ = ["SPEECH"]

SPEECH: Final = Speech(
    conversation=HttpConversation,
    shape=shape_of,
    check_error=check_error,
    grammar=Grammar(endless=frozenset({TUNNEL})),
    actions=(WrongLength,),
    error_of=error_of,
    is_final=is_final,
)
