"""Hand-made summaries, records and scenarios, for tests of what is concluded from them."""

from __future__ import annotations

from typing import Any

from harness.checks import Verdict
from harness.checks.proof import Proof
from harness.compare.record import ScenarioRecord, Speed, SuiteRecord
from harness.results import RunKey, RunResult
from harness.results.ablation import PairVerdict, ProofResult, judge_pair
from harness.results.folder import ResultsFolder
from harness.results.model import SummaryRead
from harness.results.places import NOWHERE, Location
from harness.results.reading import summary_from
from harness.results.summary import Summary
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from tests.results.made import PROOF, made, summary_of
from tests.tiny import CHECKOUT

FOLDER = ResultsFolder(CHECKOUT / "results" / "run")
WHY = "connection is closed"


async def _play(lab: Lab) -> None:
    del lab


def scenario(name: str, *proofs: Proof, location: Location = NOWHERE) -> Scenario:
    return Scenario(id=name, theme="t", play=_play, proofs=proofs or (PROOF,), location=location)


def proof(*protections: str, **changes: Any) -> Proof:
    return Proof(**{"protections": protections, "fails": "outcome", "match": WHY, **changes})


def own(name: str, verdict: Verdict = Verdict.HELD, **changes: Any) -> RunResult:
    """A scenario's own run."""
    return made(verdict, key=RunKey(name, "hardened"), **changes)


def tried(name: str, about: Proof, verdict: PairVerdict = PairVerdict.PROVED) -> ProofResult:
    """A proof that came to that verdict, by runs that say so."""
    control, second = {
        PairVerdict.PROVED: (Verdict.HELD, Verdict.FAILED),
        PairVerdict.UNPROVED: (Verdict.HELD, Verdict.HELD),
        PairVerdict.MISATTRIBUTED: (Verdict.HELD, Verdict.FAILED),
        PairVerdict.MASKED: (Verdict.FAILED, Verdict.FAILED),
        PairVerdict.INCONCLUSIVE: (Verdict.HELD, Verdict.INCONCLUSIVE),
        PairVerdict.UNAVAILABLE: (Verdict.UNAVAILABLE, Verdict.UNAVAILABLE),
    }[verdict]
    log = "nothing" if verdict is PairVerdict.MISATTRIBUTED else WHY
    first = made(control, key=RunKey(name, "hardened", about.without), role="control")
    off = (*about.without, *about.protections)
    ablated = made(second, key=RunKey(name, "hardened", off), role="ablated", service_log=log)
    result = ProofResult(
        id=name, proof=about, control=first, ablated=ablated, judgement=judge_pair(first, ablated, about)
    )
    assert result.judgement.verdict is verdict
    return result


def read(summary: Summary) -> SummaryRead:
    """As it is read back from its file."""
    return summary_from(summary.to_json(FOLDER.relative), place="summary.json")


def read_of(*results: RunResult, **changes: Any) -> SummaryRead:
    return read(summary_of(*results, **changes))


def record(verdict: Verdict = Verdict.HELD, **changes: Any) -> ScenarioRecord:
    given: dict[str, Any] = {
        "verdict": verdict,
        "reason": "" if verdict is Verdict.HELD else "because",
        "evidence": ("connections_cut",),
        "speed": Speed(healthy_ms=5.0, worst_ms=100.0, recovery_ms=20.0),
        "proofs": {"pool.pre_ping": PairVerdict.PROVED},
        "source": "0123",
    }
    return ScenarioRecord(**{**given, **changes})


def suite(**scenarios: ScenarioRecord) -> SuiteRecord:
    """Whose scenarios prove what their proofs' titles say."""
    provers: dict[str, list[str]] = {}
    for name, one in scenarios.items():
        for title, verdict in one.proofs.items():
            if verdict is PairVerdict.PROVED and " " not in title:
                provers.setdefault(title, []).append(name)
    return SuiteRecord(scenarios=scenarios, protections={name: tuple(ids) for name, ids in provers.items()})
