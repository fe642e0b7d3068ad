"""How the relay reads Redis."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.speech import Speech
from harness.protocols.redis.errors import check_error, error_of, is_final
from harness.protocols.redis.wire.conversation import RespConversation
from harness.protocols.redis.wire.fingerprint import shape_of

__all__ = ["SPEECH"]

SPEECH: Final = Speech(
    conversation=RespConversation, shape=shape_of, check_error=check_error, error_of=error_of, is_final=is_final
)
