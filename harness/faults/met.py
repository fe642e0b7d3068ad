"""What the relay reports of a rule that fired, as the evidence has it."""

from __future__ import annotations

from harness.history.events import MessageMet
from harness.relay import Cut, Fail, Fired, Reset, Rule


def message_met(link: str, rule: Rule, fired: Fired) -> MessageMet:
    """The message that met a rule. `link`: how the evidence is to name where that was."""
    return MessageMet(
        link=link,
        connection=fired.connection,
        port=fired.service_port,
        message=fired.message,
        direction=rule.match.direction,
        text=fired.text,
        offset=fired.offset,
        passed_bytes=fired.passed_bytes,
        whole=isinstance(rule.action, Cut | Reset) and rule.action.after,
        code=rule.action.code if isinstance(rule.action, Fail) else "",
    )


__all__ = ["message_met"]
