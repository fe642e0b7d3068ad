"""`junit.xml`: failed is a failure, inconclusive an error, unavailable skipped; names are the runs' keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET  # written here, never parsed

from harness.checks import Verdict
from harness.present.looks import look
from harness.results.ablation import PairVerdict, ProofResult
from harness.results.finding import Finding
from harness.results.result import RunResult
from harness.results.summary import Summary
from harness.results.text import telling_lines, visible

LOG_LINES = 20


def junit_text(summary: Summary) -> str:
    """Return the whole report. Characters that XML cannot hold are written as escapes."""
    suite = ET.Element("testsuite", name="harness", timestamp=_timestamp(summary.info.started_at))
    ablated = {str(proof.ablated.key): proof for proof in summary.proofs}
    cases = [_case(result, ablated.get(str(result.key))) for result in summary.results]
    cases += [_finding(finding) for finding in summary.findings if not finding.warning]
    suite.extend(cases)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(1 for case in cases if case.find(tag) is not None)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{sum(result.duration_s for result in summary.results):.3f}")
    totals = {key: suite.get(key, "") for key in ("name", "tests", "failures", "errors", "time")}
    root = ET.Element("testsuites", totals)
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _timestamp(started_at: str) -> str:
    """The schema's timestamps have no zone."""
    return started_at.partition("+")[0].partition(".")[0]


def _case(result: RunResult, proof: ProofResult | None) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=visible(str(result.key)),
        classname=visible(result.theme),
        time=f"{result.duration_s:.3f}",
    )
    _properties(case, result)
    tag, sentence = outcome_in_ci(result, proof)
    if tag:
        found = ET.SubElement(case, tag, message=_first_line(sentence))
        if tag != "skipped":
            found.set("type", result.failing[0].name if result.failing else result.verdict.value)
            found.text = visible(story_in_ci(result, sentence))
    return case


def outcome_in_ci(result: RunResult, proof: ProofResult | None) -> tuple[str, str]:
    """The element of a JUnit report for a run, "" for none, and the reason.

    A run that must fail for a proof is judged by the proof.
    """
    if result.role != "ablated" or result.verdict is Verdict.UNAVAILABLE:
        return look(result.verdict).junit, result.reason
    if proof is None or proof.judgement.verdict in {PairVerdict.PROVED, PairVerdict.UNAVAILABLE}:
        return "", ""
    return look(proof.judgement.verdict).junit, f"{proof.judgement.verdict}: {proof.judgement.reason}"


def _finding(finding: Finding) -> ET.Element:
    """Return a test case for a finding beyond the runs: an unproved protection, a scenario that is gone."""
    case = ET.Element("testcase", name=visible(f"{finding.section}: {finding.subject}: {finding.kind}"),
                      classname=visible(finding.section), time="0.000")  # fmt: skip
    tag = "error" if finding.inconclusive else "failure"
    found = ET.SubElement(case, tag, message=_first_line(finding.sentence), type=visible(finding.kind))
    found.text = visible(finding.sentence)
    return case


def _first_line(sentence: str) -> str:
    return visible(sentence).partition("\n")[0]


def story_in_ci(result: RunResult, sentence: str) -> str:
    """Return what a CI service shows of a run that did not hold, as lines."""
    parts: list[str] = [sentence]
    parts += [f"{check.name}: {check.reason}" for check in result.failing if check.reason not in sentence]
    parts += _section("seen:", [f"{e.kind} ({e.source}): {e.detail}" for e in result.evidence])
    parts += _section("the service logged:", telling_lines(result.service_log, LOG_LINES))
    return "\n".join([*parts, result.repro])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines)] if lines else []


def _properties(case: ET.Element, result: RunResult) -> None:
    """Add each property under a unique name: Jenkins keeps one value per name."""
    found = ET.SubElement(case, "properties")
    kinds = Counter[str]()
    for evidence in result.evidence:
        kinds[evidence.kind] += 1
        number = f".{kinds[evidence.kind]}" if kinds[evidence.kind] > 1 else ""
        value = visible(f"{evidence.source}: {evidence.detail}")
        ET.SubElement(found, "property", name=visible(f"evidence.{evidence.kind}{number}"), value=value)
    for name, figure in result.figures.items():
        ET.SubElement(found, "property", name=visible(f"figure.{name}"), value=f"{figure:g}")
