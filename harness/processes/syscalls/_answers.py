"""Answers a call according to its rule. For a new kind of rule, add a case here and in the rule book."""

from __future__ import annotations

from dataclasses import dataclass

from harness.processes.syscalls._notification import Listener, Notification
from harness.processes.syscalls._rules import ConnectRule, Rule


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that the caller got: an errno, or None if the kernel performed the call."""

    errno: int | None


def give_answer(listener: Listener, notification: Notification, rule: Rule | None) -> Answer | None:
    """Answer a call as its rule says, or let it through. Return None if it was no longer waiting."""
    match rule:
        case None:
            return Answer(None) if listener.let_through(notification) else None
        case ConnectRule():
            return Answer(rule.errno) if listener.fail(notification, rule.errno) else None
