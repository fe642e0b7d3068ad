"""Compares a target description with its service, which is started once, before anything is broken."""

from harness.inspection._found import Found
from harness.inspection._inspect import inspect, inspect_on

__all__ = ["Found", "inspect", "inspect_on"]
