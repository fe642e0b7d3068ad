"""The message at which a rule fired, as evidence records it."""

from __future__ import annotations

from harness.history.events import MessageMet
from harness.relay import Cut, Fail, Fired, Reset, Rule


def message_met(link: str, rule: Rule, fired: Fired) -> MessageMet:
    """Return the message at which a rule fired. `link`: the name of its link in the evidence."""
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
        delivery=fired.subject,
    )


__all__ = ["message_met"]
