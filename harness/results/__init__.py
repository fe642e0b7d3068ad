"""The results of runs as plain data: the summary, the judgement of proofs, and the folders that hold them."""

from harness.results.result import Evidence, Role, RunKey, RunResult

__all__ = ["Evidence", "Role", "RunKey", "RunResult"]
