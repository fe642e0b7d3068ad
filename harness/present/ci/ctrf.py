"""`ctrf.json`: the results in the Common Test Report Format (ctrf.io), for tools that do not read JUnit's XML.

Held is passed, failed is failed, inconclusive is other, unavailable is skipped; `rawStatus` has our own word.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from harness.present.ci.junit import outcome_in_ci, story_in_ci
from harness.results.ablation import ProofResult
from harness.results.cause import cause_of
from harness.results.finding import Finding
from harness.results.result import RunResult
from harness.results.summary import Summary

SPEC_VERSION = "0.0.0"
"""The version of the format that its own README names."""
STATUS: Mapping[str, str] = {"": "passed", "failure": "failed", "error": "other", "skipped": "skipped"}
"""By the element of a JUnit report that means the same."""
STATUSES = ("passed", "failed", "pending", "skipped", "other")


def ctrf_text(summary: Summary) -> str:
    """Return the whole report as strict JSON, in ASCII."""
    ablated = {str(proof.ablated.key): proof for proof in summary.proofs}
    tests = [_test(result, ablated.get(str(result.key))) for result in summary.results]
    tests += [_finding(finding) for finding in summary.findings if not finding.warning]
    counts = Counter(test["status"] for test in tests)
    start_ms = round(dt.datetime.fromisoformat(summary.info.started_at).timestamp() * 1000)
    report = {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "generatedBy": "harness",
        "results": {
            "tool": _tool(summary.info.versions.get("harness")),
            "summary": {
                "tests": len(tests),
                **{status: counts[status] for status in STATUSES},
                "flaky": 0,
                "start": start_ms,
                "stop": start_ms + round(summary.times.total_s * 1000),
            },
            "tests": tests,
            "extra": {"run": summary.info.id, "profile": summary.info.profile, "seed": summary.info.seed},
        },
    }
    return json.dumps(report, indent=1, allow_nan=False) + "\n"


def _tool(version: str | None) -> dict[str, Any]:
    return {"name": "harness", **({} if version is None else {"version": version})}


def _test(result: RunResult, proof: ProofResult | None) -> dict[str, Any]:
    tag, sentence = outcome_in_ci(result, proof)
    cause = cause_of(result)
    told = {"message": sentence, "trace": story_in_ci(result, sentence)} if tag else {}
    return {
        "name": str(result.key),
        "suite": [result.theme],
        "status": STATUS[tag],
        "rawStatus": result.verdict.value,
        "duration": round(result.duration_s * 1000),
        **told,
        "extra": {
            "cause": None if cause is None else cause.to_json(),
            "evidence": [f"{each.kind} ({each.source}): {each.detail}" for each in result.evidence],
            "repro": result.repro,
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding beyond the runs, as JUnit's report has it."""
    return {
        "name": f"{finding.section}: {finding.subject}: {finding.kind}",
        "suite": [finding.section],
        "status": "other" if finding.inconclusive else "failed",
        "rawStatus": finding.kind,
        "duration": 0,
        "message": finding.sentence,
    }
