"""Compares a target description with its service, which is started once, before anything is broken."""

from harness.inspection.comparison import inspect, inspect_on
from harness.inspection.found import Found

__all__ = ["Found", "inspect", "inspect_on"]
