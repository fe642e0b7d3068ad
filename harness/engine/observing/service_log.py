"""Reads from the service's log which exceptions it did not handle."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.engine.rig import Rig
from harness.history.events import UnhandledLogged

LINE_CHARACTERS_KEPT = 300


def record_unhandled(rig: Rig, lines: Iterable[str]) -> None:
    """Record each of these lines of the service's log that tells of an exception that was not handled."""
    expression = re.compile(rig.target.description.service.unhandled)
    for line in lines:
        if expression.search(line):
            rig.recorder.record("service", UnhandledLogged(line[:LINE_CHARACTERS_KEPT]))
