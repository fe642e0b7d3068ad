"""Scenarios: the lab, its steps, the workload and the runner."""
