"""Reads from the service's log which exceptions it did not handle, and what it tells of its answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from harness.engine.outgoing import name_of
from harness.engine.rig import Rig
from harness.history.events import AnswersLogged, LoggedFor, UnhandledLogged
from harness.target.outcomes import outcome_of

LINE_CHARACTERS_KEPT = 300


def record_unhandled(rig: Rig, lines: Iterable[str]) -> None:
    """Record each of these lines of the service's log that tells of an exception that was not handled."""
    expression = re.compile(rig.target.description.service.unhandled)
    for line in lines:
        if expression.search(line):
            rig.recorder.record("service", UnhandledLogged(line[:LINE_CHARACTERS_KEPT]))


def record_answers_logged(rig: Rig, lines: Sequence[str]) -> None:
    """Record for which deliveries these lines tell of an answer, by the outcomes that the target names.

    Not if the service's output was lost for a time: then the log cannot tell.
    """
    if rig.site.service.output_was_lost:
        return
    for name, pattern in rig.target.description.log.tells.items():
        expression = re.compile(pattern)
        found = Counter(name_of(match.groupdict()) for line in lines if (match := expression.search(line)))
        logged = tuple(LoggedFor(delivery, times) for delivery, times in found.items())
        rig.recorder.record("service", AnswersLogged(outcome_of(name), logged, "source" in expression.groupindex))
