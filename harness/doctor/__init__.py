"""What this machine has and what it can do, with the mend for each "no"."""

from harness.doctor._examination import examine
from harness.doctor._report import Finding, Report

__all__ = ["Finding", "Report", "examine"]
