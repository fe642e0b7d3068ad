"""Checks that the service shows no secrets and no part of its code, whatever is broken."""

from __future__ import annotations

import re
from typing import Final

from harness.checks.facts.exchanges import exchanges
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import SecretsSought
from harness.vocabulary import CONFIRMED

STACK: Final = re.compile(
    r"Traceback \(most recent call last\)|\bFile \\?\"[^\"\n]+\.pyw?\\?\", line \d+"
    r"|(?:\b|(?<=\\[nt]))at (?:(?:async )?(?:[\w.<>$ \[\]]+ \()?(?:file://|node:|/)[^\s()]+:\d+:\d+"
    r"|[\w.$/]+\(\w+\.(?:java|kt):\d+\))"
    r"|\bgoroutine \d+ \[\w|\.rb:\d+:in |\.cs:line \d+|\.rs:\d+:\d+|\.php\(\d+\): "
)
"""A line of a stack: a file of the service's code, with the number of a line."""
EXCERPT = 80


@check(Kind.SAFETY)
def keeps_secrets(history: History) -> Examined:
    """The service's log, metrics and answers show no secret: no password, and nothing that the target names as one."""
    sought = list(history.of(SecretsSought))
    shown = [each for one in sought for each in one.shown]
    more = sum(one.found for one in sought) - 1
    first = f"{shown[0].where} shows {shown[0].what}: {shown[0].excerpt}" if shown else ""
    texts = sum(one.texts for one in sought) if any(one.secrets for one in sought) else 0
    return Examined(
        problem=first + (f" (and {more} more)" if shown and more else ""),
        saw=f"{sum(one.secrets for one in sought)} secrets sought in {texts} lines, answers and metrics",
        observations=texts,
    )


@check(Kind.LIVENESS)
def hides_its_code(history: History) -> Examined:
    """No answer to a request that failed shows a stack: the files of the service's code, and what it called there."""
    failed = [each for each in exchanges(history) if each.ended is not None and each.outcome not in CONFIRMED]
    shown = [(each, found) for each in failed if each.ended and (found := STACK.search(each.ended.answer))]
    problem = ""
    if shown:
        first, found = shown[0]
        problem = f"{len(shown)} of {len(failed)}: {first.name}: the answer shows {found[0][:EXCERPT]!r}"
    return Examined(problem=problem, saw=f"{len(failed)} answers to requests that failed", observations=len(failed))
