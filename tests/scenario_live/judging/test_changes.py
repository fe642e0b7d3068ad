"""What a service owes for deliveries that it gives ids to, and that it changes and removes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness import Lab, no_fault
from harness.checks import Verdict
from tests.scenario_live.judging.test_owed import KEEPING, keeping
from tests.scenario_live.support import Runs

AMENDING: Mapping[str, Any] = {
    "service": {**KEEPING["service"], "command": ["{python}", "-m", "tests.scenario_live.amending", "{service.port}"]},
    "sender": {"gives": r"number (?P<given>\d+)", "http": {"path": "/new/{id}"}},
    "reads": {"kept": {"path": "/kept/{given}", "shows": r"shows (?P<digest>\S+)$"}},
    "changes": {
        "amend": {"method": "PATCH", "path": "/kept/{given}"},
        "remove": {"method": "DELETE", "path": "/kept/{given}", "removes": True},
    },
    "effects": {},
    "stored": {
        "listed": {
            "path": "/kept",
            "each": r"(?m)^row (?P<given>\d+) (?P<digest>\S+)$",
            "next": r"(?m)^next (?P<path>\S+)$",
        }
    },
}


VERSIONED: Mapping[str, Any] = {
    "sender": {**AMENDING["sender"], "version": "etag: (?P<version>.+)"},
    "changes": {name: {**each, "headers": {"if-match": "{version}"}} for name, each in AMENDING["changes"].items()},
}
"""The answer to a delivery shows no version, nor does that to a change: only a read does."""


@pytest.mark.parametrize(
    ("environment", "check", "reason"),
    [
        ({}, "changes_are_kept", ""),
        ({"CHANGES": "told"}, "changes_are_kept", "only this is possible: what came by amend of msg_"),
        ({"CHANGES": "refused"}, "changes_are_kept", "only this is possible: what came by msg_"),
        ({"GIVES": "one"}, "given_for_good", "1 was given to msg_"),
        ({"VERSIONS": "on"}, "changes_are_kept", ""),
        ({"VERSIONS": "on", "CHANGES": "twice"}, "changes_are_kept", "only this is possible: what came by msg_"),
    ],
)
def test_what_is_changed_and_removed_stays_so_and_an_id_is_given_once(
    runs: Runs, environment: Mapping[str, str], check: str, reason: str
) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.deliver(2)
            await lab.contract()

    described = {**AMENDING, **(VERSIONED if "VERSIONS" in environment else {})}
    result = runs.on(target=keeping(runs.bed.target, environment, **described))(play)

    assert result.verdict is (Verdict.FAILED if reason else Verdict.HELD), result.reason
    told = {each.name: each for each in result.checks}[check]
    assert told.observations > 0
    assert reason in told.reason
