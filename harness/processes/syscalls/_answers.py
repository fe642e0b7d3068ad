"""How each kind of rule answers a call. A new kind of rule is a new case here and in the rule book."""

from __future__ import annotations

from dataclasses import dataclass

from harness.processes.syscalls._notification import Listener, Notification
from harness.processes.syscalls._rules import ConnectRule, Rule


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller got: an errno, or None where the kernel did the call."""

    errno: int | None


def give_answer(listener: Listener, notification: Notification, rule: Rule | None) -> Answer | None:
    """Answer a call as its rule says, or let it through; None if it waited no longer."""
    match rule:
        case None:
            return Answer(None) if listener.let_through(notification) else None
        case ConnectRule():
            return Answer(rule.errno) if listener.fail(notification, rule.errno) else None
