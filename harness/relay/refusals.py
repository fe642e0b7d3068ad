"""What the relay cannot do: refused where it is written, and once more where it is armed."""

from __future__ import annotations

import re
from typing import Final

from harness.errors import UsageError
from harness.relay.message import ProtocolName
from harness.relay.rules import Action, Fail, Rule

SQLSTATE: Final = re.compile(r"(?!00)[0-9A-Z]{5}")
REDIS_CODE: Final = re.compile(r"[A-Z][A-Z0-9]*")
REPLACEABLE: Final = frozenset({"Query", "FunctionCall", "Parse", "Bind", "Describe", "Execute", "Close"})


def check_rule(rule: Rule, protocol: ProtocolName) -> None:
    """Refuse a rule that a hop of this protocol cannot carry out. Raises UsageError."""
    check_action(f"rule {rule.id}", rule.action, rule.match.message, protocol)


def check_action(place: str, action: Action, message: str | None, protocol: str) -> None:
    """Refuse an error that the protocol does not know, or has no place for. Raises UsageError.

    `message`: the frame's name, as in `Match`; None: a whole statement.
    """
    if not isinstance(action, Fail):
        return
    if protocol == "redis":
        _check_redis(place, action)
    else:
        _check_postgres(place, action, message)


def _check_redis(place: str, action: Fail) -> None:
    if not REDIS_CODE.fullmatch(action.code):
        mend = "write the word that it begins with, in capitals, such as 'LOADING'"
        raise UsageError.at(place, "code", action.code, "not an error of Redis", mend=mend)
    if action.fatal:
        raise UsageError.at(place, "fatal", True, "Redis has no such errors", mend="leave it out, or cut")


def _check_postgres(place: str, action: Fail, message: str | None) -> None:
    if not SQLSTATE.fullmatch(action.code):
        mend = "write five of 0-9 and A-Z, such as '40001' (PostgreSQL's appendix A)"
        raise UsageError.at(place, "code", action.code, "not an SQLSTATE of an error", mend=mend)
    if message is not None and message not in REPLACEABLE and not action.fatal:
        problem = "the server cannot be made to answer such a message with an error"
        raise UsageError.at(place, "message", message, problem, valid=REPLACEABLE, mend="say fatal=True")


__all__ = ["REPLACEABLE", "check_action", "check_rule"]
