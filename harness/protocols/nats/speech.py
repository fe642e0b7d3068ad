"""How the relay reads NATS."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.speech import Speech
from harness.protocols.nats.errors import check_error, error_of, is_final
from harness.protocols.nats.wire.conversation import NatsConversation
from harness.protocols.nats.wire.subjects import shape_of

__all__ = ["SPEECH"]

GREETING: Final = b"INFO {"


def _greets(first: bytes) -> bool:
    return first.startswith(GREETING)


SPEECH: Final = Speech(
    conversation=NatsConversation,
    shape=shape_of,
    check_error=check_error,
    error_of=error_of,
    is_final=is_final,
    greets=_greets,
)
