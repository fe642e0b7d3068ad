"""What a command's tests did, by their report."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.wrap.sweep.outcomes import asking_pytest, outcomes_in, report_named
from harness.wrap.sweep.results import symptom_of

REPORT = """<?xml version="1.0"?><testsuites><testsuite>
<testcase classname="a.test_a" name="test_one"/>
<testcase classname="a.test_a" name="test_two"><failure message="AssertionError: 1&#10;more">long</failure></testcase>
<testcase classname="a.test_a" name="test_three"><skipped/></testcase>
<testcase classname="a.test_a" name="test_four"><error>\n  OSError: gone\n  at</error></testcase>
<testcase classname="a.test_a" name="test_four"/>
<testcase name="alone"/>
</testsuite></testsuites>"""


def test_a_report_tells_each_test_and_the_reasons_of_those_that_failed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, "utf-8")
    found = outcomes_in(report)
    assert found is not None
    assert found.outcomes == {
        "a.test_a::test_one": "passed", "a.test_a::test_two": "failed", "a.test_a::test_three": "skipped",
        "a.test_a::test_four": "error", "alone": "passed",
    }  # fmt: skip
    assert found.reasons == {
        "a.test_a::test_two": "AssertionError: 1",
        "a.test_a::test_four": "OSError: gone",
    }


def test_no_report_is_none_and_another_file_is_told(tmp_path: Path) -> None:
    assert outcomes_in(tmp_path / "none.xml") is None
    (tmp_path / "other.xml").write_text("TAP version 13", "utf-8")
    with pytest.raises(HarnessError, match=r"other\.xml: not a JUnit report"):
        outcomes_in(tmp_path / "other.xml")


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["pytest", "-q"], None),
        (["pytest", "--junitxml=out/r.xml"], Path("out/r.xml")),
        (["python", "-m", "pytest", "--junit-xml", "r.xml", "tests"], Path("r.xml")),
    ],
)
def test_a_report_that_the_command_names_itself(argv: list[str], named: Path | None) -> None:
    assert report_named(argv) == named


def test_pytest_is_asked_for_a_report_beside_what_it_is_asked_for_already() -> None:
    asked = asking_pytest({"PYTEST_ADDOPTS": "-x", "A": "b"}, Path("/r.xml"))
    assert asked == {"PYTEST_ADDOPTS": "-x --junitxml=/r.xml", "A": "b"}
    assert asking_pytest({}, Path("/r.xml")) == {"PYTEST_ADDOPTS": "--junitxml=/r.xml"}


def test_equal_causes_have_equal_symptoms() -> None:
    assert symptom_of("OSError: [Errno 104] port 40656") == symptom_of("OSError: [Errno 104] port 1")
    assert len(symptom_of("x" * 500)) == 120
