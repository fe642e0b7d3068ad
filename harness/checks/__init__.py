"""Pure functions from a history (stored rows included) to a verdict."""

from harness.checks.judgement import Judgement, judge
from harness.checks.registry import Check, Kind
from harness.checks.standing.order import STANDING, wants
from harness.checks.verdict import WORST_FIRST, CheckResult, Verdict, most_telling, worst

__all__ = [
    "STANDING",
    "WORST_FIRST",
    "Check",
    "CheckResult",
    "Judgement",
    "Kind",
    "Verdict",
    "judge",
    "most_telling",
    "wants",
    "worst",
]
