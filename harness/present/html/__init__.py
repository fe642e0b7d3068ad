"""Makes the report of a run of the suite: one HTML file."""

from harness.present.html.writing import REPORT, report_run, write_report

__all__ = ["REPORT", "report_run", "write_report"]
