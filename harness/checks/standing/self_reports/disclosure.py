"""Checks that the service shows no secrets, whatever is broken."""

from __future__ import annotations

from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import SecretsSought


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
