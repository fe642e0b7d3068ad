"""Pure functions from a history, rows included, to a verdict."""

from harness.checks.judgement import STANDING, Check, Judgement, judge, wants
from harness.checks.verdict import WORST_FIRST, CheckResult, Verdict, worst

__all__ = ["STANDING", "WORST_FIRST", "Check", "CheckResult", "Judgement", "Verdict", "judge", "wants", "worst"]
