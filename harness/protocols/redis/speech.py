"""How the relay reads Redis."""

from __future__ import annotations

import re
from typing import Final

from harness.protocols.contract.speech import Speech
from harness.protocols.redis.errors import check_error, error_of, is_final, of_one_request
from harness.protocols.redis.wire.conversation import RespConversation
from harness.protocols.redis.wire.fingerprint import shape_of

__all__ = ["SPEECH"]

FIRST_COMMAND: Final = re.compile(rb"\*[1-9][0-9]{0,8}\r\n\$[0-9]{1,9}\r\n")
"""An array of bulk strings. Commands as bare lines, which people type, could belong to any protocol."""


def _recognises(first: bytes) -> bool:
    return FIRST_COMMAND.match(first) is not None


SPEECH: Final = Speech(
    conversation=RespConversation, shape=shape_of, check_error=check_error, error_of=error_of, is_final=is_final,
    of_one_request=of_one_request, recognises=_recognises,
)  # fmt: skip
