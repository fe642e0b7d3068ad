"""Runs the keeper, the relay and the probes in a bare interpreter."""

from harness.processes.bare._launch import bare_command, launch, run_probe, what_it_wrote

__all__ = ["bare_command", "launch", "run_probe", "what_it_wrote"]
