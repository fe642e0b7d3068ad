"""Answers chosen system calls of a process: the rules, the evidence, and whether this machine can do it."""

from harness.processes.syscalls._destinations import reached_by
from harness.processes.syscalls._event import NotLed, SyscallEvent
from harness.processes.syscalls._probe import notification_available
from harness.processes.syscalls._rules import (
    CatchRule,
    Caught,
    ConnectRule,
    FileCall,
    FileRule,
    LeadRule,
    Rule,
    WatchedCall,
)

__all__ = [
    "CatchRule",
    "Caught",
    "ConnectRule",
    "FileCall",
    "FileRule",
    "LeadRule",
    "NotLed",
    "Rule",
    "SyscallEvent",
    "WatchedCall",
    "notification_available",
    "reached_by",
]
