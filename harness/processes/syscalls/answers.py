"""Answers a call according to its rule. For a new kind of rule, add a case here and in the rule book."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from harness.processes.syscalls.calls import Call
from harness.processes.syscalls.destinations.address import loopback_address
from harness.processes.syscalls.notification import Listener, Notification
from harness.processes.syscalls.process import allow_ipv4, write_memory
from harness.processes.syscalls.rules import FailRule, LeadRule


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer that the caller got: an errno, or None if the kernel performed the call."""

    errno: int | None


def give_answer(
    listener: Listener, notification: Notification, call: Call, rule: FailRule | LeadRule | None
) -> Answer | None:
    """Answer a call as its rule says, or let it pass. Return None if it was no longer waiting."""
    match rule:
        case None:
            return Answer(None) if listener.let_through(notification) else None
        case LeadRule():
            if _led(notification, call, rule):
                return Answer(None) if listener.let_through(notification) else None
            return Answer(errno.EFAULT) if listener.fail(notification, errno.EFAULT) else None
        case _:
            return Answer(rule.errno) if listener.fail(notification, rule.errno) else None


def _led(notification: Notification, call: Call, rule: LeadRule) -> bool:
    """Replace the address to which the process is connecting. The process waits in the call until then."""
    if call.address.family == socket.AF_INET6:
        allow_ipv4(call.pid, call.descriptor)
    other = loopback_address(call.address.family, rule.to_port)
    return all(write_memory(call.tid, notification.arguments[1] + at, raw) for at, raw in other)
