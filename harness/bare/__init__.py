"""Parts of the harness that run in a bare interpreter: the keeper and the probes."""

from harness.bare._launch import launch, run_probe, what_it_wrote

__all__ = ["launch", "run_probe", "what_it_wrote"]
