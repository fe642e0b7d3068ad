"""Reading one connection: the framers of both directions, and what each message means."""

from __future__ import annotations

from harness.relay.message import Conversation, Message, Phase, ProtocolName
from harness.relay.postgres_conversation import PostgresConversation
from harness.relay.resp_conversation import RespConversation

__all__ = ["Conversation", "Message", "Phase", "ProtocolName", "conversation"]


def conversation(protocol: ProtocolName) -> Conversation:
    """Start reading a new connection."""
    return PostgresConversation() if protocol == "postgres" else RespConversation()
