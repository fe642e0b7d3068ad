"""Refuses what the relay cannot do: when the scenario writes it, and again when it is armed."""

from __future__ import annotations

from harness.errors import UsageError
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.speech import SPEECH, Speech
from harness.relay.rules.actions import Action, Fail
from harness.relay.rules.rule import Rule


def check_rule(rule: Rule, speech: Speech) -> None:
    """Refuse a rule that a hop of this protocol cannot carry out. Raises UsageError."""
    _check(f"rule {rule.id}", rule.action, rule.match.message, speech)


def check_action(place: str, action: Action, message: str | None, protocol: str) -> None:
    """Refuse an error that the protocol cannot return there, and an action that would wait for ever.

    `message`: the frame's name, as in `Match`; None: a whole statement. Raises UsageError.
    """
    _check(place, action, message, SPEECH.of(protocol))


def _check(place: str, action: Action, message: str | None, speech: Speech) -> None:
    if action.waits_for_end and message in speech.grammar.endless:
        problem = f"a {message} ends only with its connection, and this fault waits for its last byte"
        mend = "cut or reset it after some bytes, stall it, hold it, delay it, or drop it"
        raise UsageError.at(place, "message", message, problem, mend=mend)
    if isinstance(action, Fail):
        speech.check_error(place, ServerError(action.code, action.text, action.fatal), message)


__all__ = ["check_action", "check_rule"]
