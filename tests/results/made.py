"""Hand-made results, for tests of what is written about them."""

from __future__ import annotations

from typing import Any

from harness.checks import CheckResult, Verdict
from harness.checks.proof import Proof
from harness.results import Evidence, RunKey, RunResult
from harness.results.ablation import ProofResult, judge_pair
from harness.results.model import RunInfo
from harness.results.summary import Summary, Times

PROOF = Proof(protections=("pool.pre_ping",), fails="outcome", match="connection is closed")
EVIDENCE = Evidence("connections_cut", "kernel", 12, "link.cut(postgres): 3 connections")


def made(verdict: Verdict = Verdict.HELD, **changes: Any) -> RunResult:
    """A run of `idle_pool_cut` that held, but for what is given."""
    failed = verdict is Verdict.FAILED
    given: dict[str, Any] = {
        "key": RunKey("idle_pool_cut", "hardened"),
        "theme": "pool",
        "verdict": verdict,
        "reason": "" if verdict is Verdict.HELD else "outcome: 1 of 5: refused",
        "checks": (CheckResult("outcome", True, "1 of 5: refused", saw="3 of 5 as their step expects", observations=5),)
        if failed
        else (),
        "evidence": (EVIDENCE,),
        "figures": {"requests": 5.0, "slowest_ms": 12.5},
        "duration_s": 1.5,
        "overhead_s": 1.0,
        "seed": 7,
        "repro": "python -m harness gate idle_pool_cut --profile hardened --seed 7",
        "history": None,
        "schedule": None,
    }
    return RunResult(**{**given, **changes})


def ablated(verdict: Verdict = Verdict.FAILED, **changes: Any) -> RunResult:
    """The second run of a proof of PROOF."""
    key = RunKey("idle_pool_cut", "hardened", ("pool.pre_ping",))
    return made(verdict, **{"key": key, "role": "ablated", "expected": Verdict.FAILED, **changes})


def proof_of(control: RunResult, second: RunResult, proof: Proof = PROOF) -> ProofResult:
    """A proof that was tried with these two runs."""
    judgement = judge_pair(control, second, proof)
    return ProofResult(id="idle_pool_cut", proof=proof, control=control, ablated=second, judgement=judgement)


def summary_of(*results: RunResult, **changes: Any) -> Summary:
    """A complete summary of these runs."""
    info = RunInfo(
        id="20260225T101112Z-abcdef",
        started_at="2026-02-25T10:11:12+00:00",
        command="python -m harness gate",
        seed=7,
        target="scenarios/target.toml",
        profile="hardened",
        platform="Linux",
    )
    times = Times(total_s=5.0, stack_s=1.0, scenarios_s=3.0, around_s=2.0)
    ids = [result.key.id for result in results]
    given = {"info": info, "selection": ids, "results": results, "times": times, "complete": True, "exit_status": 0}
    return Summary(**{**given, **changes})
