"""Runs the suite under several profiles, and compares the outcomes side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from harness.checks import Verdict
from harness.compare.profiles import Compared, Outcome, SideBySide, in_order
from harness.errors import UsageError
from harness.results import Role, RunKey
from harness.results.files import write_atomically
from harness.scenario.scenario import Scenario
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session
from harness.target import TargetDescription

JSON_FILE, MARKDOWN_FILE = "compare.json", "compare.md"


def profiles_meant(target: TargetDescription, names: Sequence[str]) -> Sequence[str]:
    """Return the profiles to compare, in their order; all of the target's if the user named none. Raises UsageError."""
    for name in names:
        if name not in target.profiles:
            raise UsageError.at("--profiles", "name", name, "no such profile", valid=target.profiles)
    return in_order(target, names or list(target.profiles))


def compare_profiles(
    suite: Chosen, session: Session, order: Sequence[str], ran: Callable[[Compared], object]
) -> SideBySide:
    """Run each chosen scenario under each profile. `ran` is called with each row.

    compare.json and compare.md are written, even for an interrupted run.
    """
    rows: dict[str, Compared] = {}

    def one(scenario: Scenario) -> None:
        rows[scenario.id] = _run(session, scenario, order)
        ran(rows[scenario.id])

    try:
        session.each(suite.chosen, one)
    finally:
        found = SideBySide(order, [rows[scenario.id] for scenario in suite.chosen if scenario.id in rows])
        write_atomically(session.folder.path / JSON_FILE, json.dumps(found.to_json(), indent=1) + "\n")
        write_atomically(session.folder.path / MARKDOWN_FILE, found.markdown())
    return found


def _run(session: Session, scenario: Scenario, order: Sequence[str]) -> Compared:
    """The default profile comes first.

    It decides the exit status, and a scenario that cannot run under it is not run under others.
    """
    outcomes: dict[str, Outcome] = {}
    for profile in (session.profile, *(name for name in order if name != session.profile)):
        role: Role = "scenario" if profile == session.profile else "ablated"
        result = session.run_as(scenario, RunKey(scenario.id, profile), role)
        outcomes[profile] = Outcome.of(result)
        if result.verdict is Verdict.UNAVAILABLE:
            break
    return Compared(scenario.id, scenario.theme, {name: outcomes[name] for name in order if name in outcomes})
