"""Examines this machine: what it has, what it can do, and how to fix each "no"."""

from harness.doctor.examination import examine
from harness.doctor.report import Finding, Report

__all__ = ["Finding", "Report", "examine"]
