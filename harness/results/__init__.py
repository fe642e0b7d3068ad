"""What runs leave, and how it is written: summary, JUnit, ablation."""

from harness.results.result import Evidence, Role, RunKey, RunResult

__all__ = ["Evidence", "Role", "RunKey", "RunResult"]
