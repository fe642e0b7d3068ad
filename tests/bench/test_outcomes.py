from __future__ import annotations

import pytest

from bench.transparency.outcomes import Difference, Outcome, counted, differences, read_excused, read_junit
from bench.transparency.suites import SUITES
from harness.errors import HarnessError

PASSED, FAILED, ERROR, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED
JUNIT = """\
<testsuites><testsuite>
  <testcase classname="tests.a" name="good"><properties/></testcase>
  <testcase classname="tests.a" name="bad"><failure message="no">trace</failure></testcase>
  <testcase classname="tests.a" name="bad"><error message="and its teardown">trace</error></testcase>
  <testcase classname="tests.a" name="left out"><skipped message="why"/></testcase>
</testsuite></testsuites>
"""


def test_outcomes_are_read_and_the_worse_of_a_test_counts() -> None:
    assert read_junit(JUNIT) == {"tests.a::good": PASSED, "tests.a::bad": ERROR, "tests.a::left out": SKIPPED}


def test_results_that_are_cut_off_are_no_results() -> None:
    with pytest.raises(HarnessError, match="no readable results"):
        read_junit(JUNIT[:100])


def test_outcomes_are_counted_best_first() -> None:
    assert counted(read_junit(JUNIT)) == "1 passed, 1 skipped, 1 error"


def test_a_test_that_ends_otherwise_or_does_not_run_differs() -> None:
    found = differences([{"same": FAILED, "worse": PASSED, "gone": PASSED}], [{"same": FAILED, "worse": FAILED}])

    assert found == [Difference("gone", (PASSED,), (None,)), Difference("worse", (PASSED,), (FAILED,))]
    assert all(each.steady for each in found)
    assert str(found[0]) == "gone: direct passed; relayed did not run"


def test_a_test_that_ends_both_ways_direct_is_unsteady() -> None:
    direct = [{"a": PASSED, "b": PASSED}, {"a": FAILED, "b": PASSED}]
    relayed = [{"a": FAILED, "b": FAILED}, {"a": FAILED, "b": FAILED}]

    steady = {each.test: each.steady for each in differences(direct, relayed)}

    assert steady == {"a": False, "b": True}


def test_an_excuse_needs_a_reason() -> None:
    assert read_excused("# a comment\n\ntests.a::b[x | y] | it has a server of its own\n") == {
        "tests.a::b[x | y]": "it has a server of its own"
    }
    with pytest.raises(HarnessError, match=r"line 1: .* has no reason"):
        read_excused("tests.a::b\n")


@pytest.mark.parametrize("name", SUITES)
def test_the_committed_lists_can_be_read(name: str) -> None:
    suite = SUITES[name]
    for each in filter(None, (suite.excused, suite.excused_in_tls)):
        excused = read_excused(each.read_text("utf-8"))
        assert excused
        assert all("::" in test for test in excused)
