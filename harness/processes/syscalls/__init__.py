"""Answers chosen system calls of a process: the rules, the evidence, and whether this machine can do it."""

from harness.processes.syscalls._event import SyscallEvent
from harness.processes.syscalls._probe import notification_available
from harness.processes.syscalls._rules import ConnectRule, LeadRule, Rule, WatchedCall

__all__ = ["ConnectRule", "LeadRule", "Rule", "SyscallEvent", "WatchedCall", "notification_available"]
