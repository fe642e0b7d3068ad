from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from harness.checks import CheckResult, Verdict
from harness.present.ci.junit import junit_text
from harness.results import Evidence, RunKey
from harness.results.finding import Finding
from harness.results.summary import Summary
from tests.results.made import ablated, made, proof_of, summary_of

NASTY = 'NUL \0, escape \x1b[2J, ]]>, <tag> & "quotes", \ud800 surrogate, \ufffe, \x85, 信号灯'


def parsed(summary: Summary) -> ET.Element:
    suite = ET.fromstring(junit_text(summary)).find("testsuite")  # noqa: S314  # our own text
    assert suite is not None
    return suite


def case_of(summary: Summary) -> ET.Element:
    case = parsed(summary).find("testcase")
    assert case is not None
    return case


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [(Verdict.FAILED, "failure"), (Verdict.INCONCLUSIVE, "error"), (Verdict.UNAVAILABLE, "skipped")],
)
def test_each_verdict_has_its_tag(verdict: Verdict, tag: str) -> None:
    case = case_of(summary_of(made(verdict)))
    assert [child.tag for child in case if child.tag != "properties"] == [tag]
    found = case.find(tag)
    assert found is not None
    assert found.get("message") == "outcome: 1 of 5: refused"


def test_a_run_that_held_has_none() -> None:
    assert [child.tag for child in case_of(summary_of(made()))] == ["properties"]


def test_counts_and_names() -> None:
    results = [made(verdict, key=RunKey(f"s[{verdict}]", "hardened", ("a:b",))) for verdict in Verdict]
    suite = parsed(summary_of(*results))
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [case.get("name") for case in suite.iter("testcase")] == [str(result.key) for result in results]
    assert suite.get("time") == "6.000"


def test_the_story_begins_with_the_sentence_and_ends_with_the_line_that_repeats_it() -> None:
    failing = (CheckResult("outcome", True, "1 of 5: refused"), CheckResult("in_time", True, "took 4 s"))
    result = made(Verdict.FAILED, checks=failing, service_log="good\nError: lost\n")
    failure = case_of(summary_of(result)).find("failure")
    assert failure is not None
    assert failure.text is not None
    lines = failure.text.splitlines()
    assert lines[0] == result.reason
    assert lines[-1] == result.repro
    assert "in_time: took 4 s" in lines
    assert "  Error: lost" in lines
    assert failure.get("type") == "outcome"


def test_evidence_and_figures_are_properties() -> None:
    properties = {found.get("name"): found.get("value") for found in case_of(summary_of(made())).iter("property")}
    assert properties["evidence.connections_cut"] == "kernel: link.cut(postgres): 3 connections"
    assert properties["figure.slowest_ms"] == "12.5"


def test_evidence_of_one_kind_keeps_every_value() -> None:
    evidence = tuple(Evidence("wire_cut", "relay", n, f"connection {n}") for n in range(3))
    names = [found.get("name") for found in case_of(summary_of(made(evidence=evidence, figures={}))).iter("property")]
    assert names == ["evidence.wire_cut", "evidence.wire_cut.2", "evidence.wire_cut.3"]


def test_the_root_has_the_totals() -> None:
    root = ET.fromstring(junit_text(summary_of(made(), made(Verdict.FAILED))))  # noqa: S314  # our own text
    assert root.attrib == {"name": "harness", "tests": "2", "failures": "1", "errors": "0", "time": "3.000"}


def test_whatever_a_service_says_the_file_is_xml() -> None:
    result = made(
        Verdict.FAILED,
        reason=NASTY,
        checks=(CheckResult("outcome", True, NASTY),),
        evidence=(Evidence("k", "s", 1, NASTY),),
        service_log=NASTY,
    )
    text = junit_text(summary_of(result))
    text.encode("utf-8")
    message = case_of(summary_of(result)).find("failure")
    assert message is not None
    said = message.get("message") or ""
    for wanted in (r"NUL \x00", r"\x1b[2J", "]]>", "<tag> &", r"\ud800", r"\ufffe", r"\x85", "信号灯"):
        assert wanted in said


def test_a_proved_ablation_passes() -> None:
    second = ablated(service_log="connection is closed")
    suite = parsed(summary_of(made(), second, proofs=[proof_of(made(), second)]))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")


def test_an_unproved_ablation_fails_though_its_run_held() -> None:
    second = ablated(Verdict.HELD)
    suite = parsed(summary_of(made(), second, proofs=[proof_of(made(), second)]))
    assert suite.get("failures") == "1"
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("unproved: ")


def test_a_pair_that_says_nothing_is_an_error() -> None:
    second = ablated(Verdict.INCONCLUSIVE)
    suite = parsed(summary_of(made(), second, proofs=[proof_of(made(), second)]))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")


@pytest.mark.parametrize("proved", [True, False])
def test_an_ablated_run_that_this_machine_cannot_do_is_skipped(proved: bool) -> None:
    second = ablated(Verdict.UNAVAILABLE, reason="needs seccomp: kernel 4.19")
    suite = parsed(summary_of(made(), second, proofs=[proof_of(made(), second)] if proved else []))
    assert [case.find("skipped") is not None for case in suite.iter("testcase")] == [False, True]


def test_a_run_without_a_protection_that_no_proof_speaks_of_is_no_failure() -> None:
    suite = parsed(summary_of(made(), ablated()))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")


@pytest.mark.parametrize(("inconclusive", "tag"), [(False, "failure"), (True, "error")])
def test_what_was_found_beyond_the_runs_is_a_case_of_its_own(inconclusive: bool, tag: str) -> None:
    found = Finding("baseline", "idle_pool_cut", "scenario gone", f"idle_pool_cut is gone {NASTY}", inconclusive)
    case = parsed(summary_of(made(), findings=[found])).findall("testcase")[1]
    assert (case.get("name"), case.get("classname")) == ("baseline: idle_pool_cut: scenario gone", "baseline")
    said = case.find(tag)
    assert said is not None
    assert (said.get("message") or "").startswith("idle_pool_cut is gone NUL \\x00")
