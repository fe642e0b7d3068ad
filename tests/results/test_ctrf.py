"""`ctrf.json` says what `junit.xml` says, in its own words."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.checks import Verdict
from harness.present.ci.ctrf import ctrf_text
from harness.present.ci.junit import junit_text
from harness.results import RunKey
from harness.results.cause import cause_of
from harness.results.finding import Finding
from harness.results.summary import Summary
from tests.results.made import ablated, made, proof_of, summary_of

NASTY = 'NUL \0, escape \x1b[31m, "quotes", \ud800 surrogate, \ufffe, 信号灯'
REQUIRED = {"tests", "passed", "failed", "pending", "skipped", "other", "start", "stop"}
TAGS = {"failed": "failure", "other": "error", "skipped": "skipped"}


def results_of(summary: Summary) -> dict[str, Any]:
    report = json.loads(ctrf_text(summary))
    assert report["reportFormat"] == "CTRF"
    results: dict[str, Any] = report["results"]
    assert results["summary"].keys() >= REQUIRED
    assert all(test.keys() >= {"name", "status", "duration"} for test in results["tests"])
    return results


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.HELD, "passed"),
        (Verdict.FAILED, "failed"),
        (Verdict.INCONCLUSIVE, "other"),
        (Verdict.UNAVAILABLE, "skipped"),
    ],
)
def test_each_verdict_has_its_status_and_its_own_word(verdict: Verdict, status: str) -> None:
    found = results_of(summary_of(made(verdict)))
    [test] = found["tests"]
    assert (test["status"], test["rawStatus"], test["duration"], test["suite"]) == (status, verdict, 1500, ["pool"])
    assert found["summary"][status] == found["summary"]["tests"] == 1
    assert ("message" in test) == (verdict is not Verdict.HELD)


def test_it_has_the_tests_of_junit_with_the_same_outcomes() -> None:
    control, second = made(), ablated(Verdict.HELD)
    runs = [made(verdict, key=RunKey(f"s[{verdict}]", "hardened", ("a:b",))) for verdict in Verdict]
    findings = [Finding("baseline", "x", "gone", "x is gone"), Finding("drafts", "y", "unproved", "y", warning=True)]
    summary = summary_of(*runs, control, second, proofs=[proof_of(control, second)], findings=findings)
    cases = list(ET.fromstring(junit_text(summary)).iter("testcase"))  # noqa: S314  # our own text
    tests = results_of(summary)["tests"]
    assert [test["name"] for test in tests] == [case.get("name") for case in cases]
    for test, case in zip(tests, cases, strict=True):
        elsewhere = [child.tag for child in case if child.tag != "properties"]
        assert elsewhere == ([TAGS[test["status"]]] if test["status"] != "passed" else []), test["name"]


def test_a_failure_has_its_cause_its_evidence_and_the_line_that_repeats_it() -> None:
    failed = made(Verdict.FAILED)
    cause = cause_of(failed)
    assert cause is not None
    [test, held] = results_of(summary_of(failed, made(key=RunKey("other", "hardened"))))["tests"]
    assert test["extra"] == {
        "cause": cause.to_json(),
        "evidence": ["connections_cut (kernel): link.cut(postgres): 3 connections"],
        "repro": failed.repro,
    }
    assert held["extra"]["cause"] is None


def test_the_times_are_those_of_the_run_in_milliseconds_since_1970() -> None:
    found = results_of(summary_of(made()))["summary"]
    assert (found["start"], found["stop"]) == (1_772_014_272_000, 1_772_014_277_000)


def test_any_text_makes_json() -> None:
    [test] = results_of(summary_of(made(Verdict.FAILED, reason=NASTY, theme=NASTY)))["tests"]
    assert test["message"] == NASTY
