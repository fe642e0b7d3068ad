"""Parts of the harness that run in a bare interpreter: the keeper, the relay and the probes."""

from harness.processes.bare._launch import bare_command, launch, run_probe, what_it_wrote

__all__ = ["bare_command", "launch", "run_probe", "what_it_wrote"]
