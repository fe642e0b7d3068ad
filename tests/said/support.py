"""Lines of a service, and what is approved of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.engine.said.approved import Approved, ApprovedLine
from harness.engine.said.comparing import other_lines
from harness.engine.said.lines import LogLine, read_lines
from harness.engine.said.shapes import Told
from harness.target.sections.service_log import LineFields

FIELDS = LineFields(
    event="event", level="level", reason="reason", id="id", source="source", free=("at",),
    kinds={"error": r"^(?P<kind>\w+)"},
)  # fmt: skip
LISTENING = '{"level": "info", "event": "listening", "port": 80}'
ENDED = '{"level": "info", "event": "ended"}'
LITTER = '{"level": "warning", "event": "litter"}'


def refused(**fields: Any) -> str:
    """A line of a refusal, as is approved unless a field says otherwise."""
    usual = {"at": "12:00", "level": "warning", "event": "refused", "reason": "busy", "id": "a", "phase": "insert",
             "error": "OSError: no 5"}  # fmt: skip
    return json.dumps({key: value for key, value in {**usual, **fields}.items() if value is not ...})


TEXT, NUMBER = frozenset({"text"}), frozenset({"number"})
REFUSED = ApprovedLine(
    {"at": TEXT, "id": TEXT, "phase": frozenset({'"insert"', '"select"'}), "error": frozenset({'"OSError"'})},
    answers=frozenset({"refused"}),
)
APPROVED = Approved(
    {
        ("refused", "warning", "busy"): REFUSED,
        ("listening", "info", ""): ApprovedLine({"port": NUMBER}, once=True, first=True),
        ("ended", "info", ""): ApprovedLine({}, last=True),
        ("litter", "warning", ""): ApprovedLine({}, once=True, anytime=True),
    }
)


def logs_of(*logs: Sequence[str]) -> Sequence[Sequence[LogLine]]:
    """Read the lines of some processes."""
    return [read_lines(log, FIELDS) for log in logs]


def others(*lines: str, told: Mapping[str, Sequence[str]] | None = None, apart: bool = True) -> list[str]:
    """What of these lines is not as approved, if the clients were told that."""
    clients: Told = {"a": ["refused"]} if told is None else told
    return list(other_lines(logs_of(lines), clients, APPROVED, FIELDS, apart=apart))
