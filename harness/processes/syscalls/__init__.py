"""Answers chosen system calls of a process: the rules, the evidence, and whether this machine can do it."""

from harness.processes.syscalls.destinations.leading import reached_by
from harness.processes.syscalls.event import NotLed, SyscallEvent
from harness.processes.syscalls.probe import notification_available
from harness.processes.syscalls.rules import (
    RECEIVES,
    SENDS,
    CatchRule,
    Caught,
    ConnectRule,
    FailRule,
    FileCall,
    FileRule,
    LeadRule,
    OpeningCall,
    OpeningRule,
    Rule,
    StreamCall,
    StreamRule,
    WatchedCall,
)

__all__ = [
    "RECEIVES",
    "SENDS",
    "CatchRule",
    "Caught",
    "ConnectRule",
    "FailRule",
    "FileCall",
    "FileRule",
    "LeadRule",
    "NotLed",
    "OpeningCall",
    "OpeningRule",
    "Rule",
    "StreamCall",
    "StreamRule",
    "SyscallEvent",
    "WatchedCall",
    "notification_available",
    "reached_by",
]
