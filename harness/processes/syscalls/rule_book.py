"""The rules in force for one process, and how often each still applies."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from harness.processes.syscalls.calls import Call
from harness.processes.syscalls.destinations.catcher import Catcher, Choice
from harness.processes.syscalls.process import title_of
from harness.processes.syscalls.rules import (
    CatchRule,
    ConnectRule,
    FailRule,
    FileRule,
    LeadRule,
    OpeningRule,
    Rule,
    StreamRule,
    canonical_host,
)

_ORDER = (ConnectRule, FileRule, StreamRule, OpeningRule, LeadRule, CatchRule)


class RuleBook:
    """The first rule that matches and is not used up decides. Errors come before redirections.

    `catcher`: the previous book's, so that its servers keep their ports.
    """

    def __init__(self, rules: Sequence[Rule] = (), catcher: Catcher | None = None) -> None:
        self._rules = sorted(rules, key=lambda rule: _ORDER.index(type(rule)))
        self._left = [rule.times if isinstance(rule, FailRule) else None for rule in self._rules]
        self.catcher = Catcher() if catcher is None else catcher

    def choose(self, call: Call) -> Choice:
        """Return what to do with a call, without counting its rule as used."""
        for rule, left in zip(self._rules, self._left, strict=True):
            if left != 0 and matches(rule, call):
                return self.catcher.choose(rule, call) if isinstance(rule, CatchRule) else Choice(rule)
        return Choice(None)

    def knows(self, name: str) -> bool:
        """Whether a rule that is not used up answers calls of this name. All connects are reported."""
        return name == "connect" or any(
            left != 0 and isinstance(rule, FileRule | StreamRule | OpeningRule) and name in rule.calls
            for rule, left in zip(self._rules, self._left, strict=True)
        )

    def count(self, used: Rule) -> None:
        """The rule's answer was given. A `CatchRule` is never used up."""
        for at, rule in enumerate(self._rules):
            left = self._left[at]
            if rule is used and left is not None:
                self._left[at] = left - 1


def matches(rule: Rule, call: Call) -> bool:
    """Whether a rule fits a call. A new kind of rule is a new case."""
    match rule:
        case ConnectRule():
            return call.name == "connect" and _is_stream(call) and _is_addressed(rule, call)
        case FileRule():
            return (
                call.name in rule.calls
                and _is_below(rule.folder, call.path)
                and title_of(call.pid).startswith(rule.title)
            )
        case StreamRule():
            is_there = call.socket_type == socket.SOCK_STREAM and call.address.port == rule.port
            return is_there and call.name in rule.calls
        case OpeningRule():
            is_meant = _is_for_tcp(call) if call.name == "socket" else call.path.startswith(rule.path)
            return is_meant and call.name in rule.calls
        case LeadRule():
            return call.name == "connect" and call.socket_type == _TYPES[rule.transport] and _is_addressed(rule, call)
        case CatchRule():
            return call.name == "connect"


_TYPES = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM}


def _is_stream(call: Call) -> bool:
    return call.socket_type in (socket.SOCK_STREAM, None)


def _is_for_tcp(call: Call) -> bool:
    return call.address.family in (socket.AF_INET, socket.AF_INET6) and call.socket_type == socket.SOCK_STREAM


def _is_below(folder: str, path: str) -> bool:
    return path.startswith(folder.rstrip("/") + "/")


def _is_addressed(rule: ConnectRule | LeadRule, call: Call) -> bool:
    dialled = call.address
    if dialled.host is None or dialled.port != rule.port:
        return False
    return rule.host is None or canonical_host(rule.host) == canonical_host(dialled.host)
