"""How the relay reads plain TCP: it only counts bytes."""

from __future__ import annotations

from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.speech import Grammar, Speech
from harness.protocols.tcp.wire.conversation import StreamConversation
from harness.protocols.tcp.wire.framing import STREAM

__all__ = ["SPEECH"]


def _same(text: str) -> str:
    return text  # always ""


def _refuse_error(place: str, error: ServerError, message: str | None) -> None:
    del message
    problem = "plain TCP has no messages, so nothing on it can be answered with an error"
    raise UsageError.at(place, "code", error.code, problem, mend="cut or reset the connection")


def _anything(first: bytes) -> bool:
    del first
    return True


SPEECH: Final = Speech(
    conversation=StreamConversation,
    shape=_same,
    check_error=_refuse_error,
    grammar=Grammar(endless=frozenset({STREAM})),
    recognises=_anything,
)
