"""The rules in force for one process, and how often each still applies."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from harness.processes.syscalls._calls import Call
from harness.processes.syscalls._rules import ConnectRule, LeadRule, Rule, canonical_host


class RuleBook:
    """The first rule that matches and is not used up decides. What fails is led nowhere: errors come first."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = sorted(rules, key=lambda rule: isinstance(rule, LeadRule))
        self._left = [rule.times if isinstance(rule, ConnectRule) else None for rule in self._rules]

    def choose(self, call: Call) -> Rule | None:
        """Return the rule for a call, without counting it as used."""
        for rule, left in zip(self._rules, self._left, strict=True):
            if left != 0 and matches(rule, call):
                return rule
        return None

    def count(self, used: Rule) -> None:
        """Its answer was given."""
        at = next(index for index, rule in enumerate(self._rules) if rule is used)
        left = self._left[at]
        self._left[at] = None if left is None else left - 1


def matches(rule: Rule, call: Call) -> bool:
    """Whether a rule is meant for a call. A new kind of rule is a new case."""
    match rule:
        case ConnectRule():
            return call.name == "connect" and _is_stream(call) and _is_addressed(rule, call)
        case LeadRule():
            return call.name == "connect" and call.socket_type == _TYPES[rule.transport] and _is_addressed(rule, call)


_TYPES = {"stream": socket.SOCK_STREAM, "datagram": socket.SOCK_DGRAM}


def _is_stream(call: Call) -> bool:
    return call.socket_type in (socket.SOCK_STREAM, None)


def _is_addressed(rule: Rule, call: Call) -> bool:
    dialled = call.address
    if dialled.host is None or dialled.port != rule.port:
        return False
    return rule.host is None or canonical_host(rule.host) == canonical_host(dialled.host)
