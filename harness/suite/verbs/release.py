"""Runs a candidate and the release, and decides whether the candidate may replace the release."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.compare.verification import Verification, verification
from harness.errors import UsageError
from harness.results.ablation import PairVerdict
from harness.results.files import write_atomically
from harness.results.model import SummaryRead
from harness.results.reading import own_runs, read_summary
from harness.scenario.scenario import Scenario
from harness.suite.info import Command
from harness.suite.selection.chosen import Chosen
from harness.suite.session import Session
from harness.suite.verbs.running import every, prove_scenario, run_scenarios

SECTION = "verify"
JSON_FILE = "verify.json"
RELEASE_FOLDER = "release"


@dataclass(frozen=True, slots=True)
class Release:
    """What a candidate is compared with: a recorded run, or a suite that must still be run on the release."""

    recorded: SummaryRead | None
    suite: Chosen


def release_of(path: Path, candidate: Chosen, choose: Callable[[Path], Chosen]) -> Release:
    """Return the release that `path` names: its target description, or the folder of one of its runs.

    `choose`: selects the same scenarios for another target description. Raises UsageError for a run that did not end,
    or that does not record which scenarios were chosen.
    """
    if path.suffix == ".toml":
        return Release(None, choose(path))
    return Release(_recorded(path, candidate), candidate)


def _recorded(path: Path, suite: Chosen) -> SummaryRead:
    found = read_summary(path, of_run=False)
    if not found.complete:
        mend = "wait for it, have it made again, or name another run or the release's target description"
        problem = f"{found.run.id} is not complete: it still runs, or was ended before all was run"
        raise UsageError.at("--against", "run", str(path), problem, mend=mend)
    ran = {run.id for run in own_runs(found) if run.profile == suite.profile}
    missing = [scenario.id for scenario in suite.chosen if scenario.id not in ran]
    if missing:
        mend = "choose fewer, or name a run of all of them, or the release's target description"
        problem = f"did not run {', '.join(missing[:5])} under {suite.profile} with everything on"
        raise UsageError.at("--against", "run", str(path), problem, mend=mend)
    return found


def verify(
    suite: Chosen, session: Session, release: Release, *, command: Command, begins: Callable[[], object]
) -> Verification:
    """Run every scenario and proof of the candidate, then what is needed of the release, and compare.

    The result is in verify.json, in the summary and in the exit status. `begins` is called before the release runs.
    """
    run_scenarios(suite, session, prove=every)
    new = session.record.so_far()
    session.rest()
    old = release.recorded
    if old is None:
        begins()
        old = _run_release(release.suite, session, new, command)
    ids = [scenario.id for scenario in suite.chosen]
    # A run may contain more than was chosen here. For a description, the same words selected the scenarios.
    whole = suite.whole or release.recorded is None
    excused = () if suite.settings.strict else tuple(suite.listed)
    found = verification(new, old, ids, suite.proofs, whole=whole, excused=excused)
    write_atomically(session.folder.path / JSON_FILE, json.dumps(found.to_json(), indent=1) + "\n")
    session.record.add(SECTION, found.to_json(), found.findings(SECTION))
    return found


def _run_release(suite: Chosen, session: Session, new: SummaryRead, command: Command) -> SummaryRead:
    """Run the release on separate servers: every scenario, and those proofs that the candidate did not confirm.

    A proof that the candidate confirms cannot be worse than the release's, so the release need not run it.
    """
    lost = {proof.id for proof in new.proofs if proof.verdict is not PairVerdict.PROVED}
    settings = dataclasses.replace(suite.settings, results=session.folder.path / RELEASE_FOLDER)
    with session.another(suite, settings, command) as other:

        def one(scenario: Scenario) -> None:
            result = other.run(scenario)
            if scenario.id in lost:
                prove_scenario(other, scenario, result, {})

        other.each(suite.chosen, one)
        other.finish()
        return other.record.so_far()
