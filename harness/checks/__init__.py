"""Pure functions from a history, rows included, to a verdict."""

from harness.checks.judgement import STANDING, Check, Judgement, judge, wants
from harness.checks.verdict import CheckResult, Verdict, worst

__all__ = ["STANDING", "Check", "CheckResult", "Judgement", "Verdict", "judge", "wants", "worst"]
