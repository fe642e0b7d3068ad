"""Allure's result files: `UUID-result.json` for each test of `junit.xml`. `allure generate DIR` makes a report of them.

Held is passed, failed is failed, inconclusive is broken, unavailable is skipped.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.present.ci.junit import outcome_in_ci, story_in_ci
from harness.results.ablation import ProofResult
from harness.results.cause import cause_of
from harness.results.files import write_atomically
from harness.results.finding import Finding
from harness.results.result import RunResult
from harness.results.summary import Summary

STATUS: Mapping[str, str] = {"": "passed", "failure": "failed", "error": "broken", "skipped": "skipped"}
"""By the element of a JUnit report that means the same."""
NAMESPACE = uuid.UUID("5d0f9e7c-5f0b-4c0e-9d9a-0c1f5b1f6a11")
"""Our own: a run's identifier is made of the session's and its position, so that writing again overwrites."""


def write_allure(summary: Summary, folder: Path) -> None:
    """Write a file for each run and for each finding beyond the runs. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for result in allure_results(summary):
        text = json.dumps(result, indent=1, allow_nan=False) + "\n"
        write_atomically(folder / f"{result['uuid']}-result.json", text)


def allure_results(summary: Summary) -> Sequence[Mapping[str, Any]]:
    """Return what each file has."""
    ablated = {str(proof.ablated.key): proof for proof in summary.proofs}
    began_ms = round(dt.datetime.fromisoformat(summary.info.started_at).timestamp() * 1000)
    tests = [_test(result, ablated.get(str(result.key)), began_ms) for result in summary.results]
    tests += [_finding(finding, began_ms) for finding in summary.findings if not finding.warning]
    return [{"uuid": _uuid(f"{summary.info.id}/{number}"), **test} for number, test in enumerate(tests)]


def _test(result: RunResult, proof: ProofResult | None, began_ms: int) -> dict[str, Any]:
    tag, sentence = outcome_in_ci(result, proof)
    start_ms = _start_ms(result, began_ms)
    details = {"statusDetails": {"message": sentence, "trace": story_in_ci(result, sentence)}} if tag else {}
    return {
        **_identity(result.theme, str(result.key)),
        "name": result.key.id,
        "description": f"`{result.repro}`",
        "status": STATUS[tag],
        **details,
        "stage": "finished",
        "start": start_ms,
        "stop": start_ms + round(result.duration_s * 1000),
        "labels": list(_labels(result)),
        "parameters": list(_parameters(result)),
        "steps": [_step(f"{each.kind} ({each.source}): {each.detail}", start_ms) for each in result.evidence],
    }


def _finding(finding: Finding, began_ms: int) -> dict[str, Any]:
    name = f"{finding.section}: {finding.subject}: {finding.kind}"
    return {
        **_identity(finding.section, name),
        "name": name,
        "status": STATUS["error" if finding.inconclusive else "failure"],
        "statusDetails": {"message": finding.sentence},
        "stage": "finished",
        "start": began_ms,
        "stop": began_ms,
        "labels": [_label("suite", finding.section), _label("framework", "harness")],
    }


def _identity(suite: str, key: str) -> dict[str, str]:
    """By these Allure recognises a test in a later run."""
    full = f"{suite}.{key}"
    digest = hashlib.blake2b(full.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return {"historyId": digest, "testCaseId": digest, "fullName": full}


def _labels(result: RunResult) -> Iterator[dict[str, str]]:
    yield _label("suite", result.theme)
    yield _label("subSuite", result.role)
    yield _label("framework", "harness")
    cause = cause_of(result)
    if cause is not None:
        yield _label("tag", str(cause))


def _label(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _parameters(result: RunResult) -> Iterator[dict[str, str]]:
    yield {"name": "profile", "value": result.key.profile}
    if result.key.without:
        yield {"name": "without", "value": ", ".join(result.key.without)}


def _step(name: str, at_ms: int) -> dict[str, Any]:
    return {"name": name, "status": "passed", "stage": "finished", "start": at_ms, "stop": at_ms}


def _start_ms(result: RunResult, otherwise: int) -> int:
    """When the run began, by its history's first line; the session's beginning if it has none."""
    try:
        with (result.history or Path()).open(encoding="utf-8") as file:
            head = json.loads(file.readline())
        return round(dt.datetime.fromisoformat(head["data"]["wall_clock"]).timestamp() * 1000)
    except (OSError, ValueError, KeyError, TypeError):
        return otherwise


def _uuid(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))


__all__ = ["allure_results", "write_allure"]
