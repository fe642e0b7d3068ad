"""The report of a run of the suite: one HTML file for people, and what a CI service shows of it."""

from harness.report.github import tell_github
from harness.report.writing import REPORT, report_run, write_report

__all__ = ["REPORT", "report_run", "tell_github", "write_report"]
