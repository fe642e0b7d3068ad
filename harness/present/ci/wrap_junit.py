"""`junit.xml` of a sweep over a command: a test case for each break."""

from __future__ import annotations

from xml.etree import ElementTree as ET  # written here, never parsed

from harness.present.looks import look
from harness.results.text import visible
from harness.wrap.sweep.results import CellResult, SweepFound


def wrap_junit_text(found: SweepFound) -> str:
    """Return the report: a break that changed the result is a failure; one without effect is an error."""
    cases = [_case(result) for result in found.cells]
    suite = ET.Element("testsuite", name="harness wrap", tests=str(len(cases)), skipped="0")
    for attribute, tag in (("failures", "failure"), ("errors", "error")):
        suite.set(attribute, str(sum(1 for case in cases if case.find(tag) is not None)))
    suite.set("time", f"{sum(result.took_s for result in found.cells):.3f}")
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(result: CellResult) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=visible(str(result.cell)),
        classname=visible(f"wrap.{result.cell.server}"),
        time=f"{result.took_s:.3f}",
    )
    tag = look(result.verdict.value).junit
    if tag:
        lines = [result.cell.words, result.reason, *result.evidence]
        found = ET.SubElement(case, tag, message=visible(result.reason).partition("\n")[0])
        found.set("type", visible(result.cause.check) if result.cause is not None else result.verdict.value)
        found.text = visible("\n".join(lines))
    return case
