"""Writes a session's reports for CI services and its HTML report."""

from __future__ import annotations

from harness.present.ci.ctrf import ctrf_text
from harness.present.ci.junit import junit_text
from harness.present.html import report_run
from harness.results.files import write_atomically
from harness.results.folder import ResultsFolder
from harness.results.summary import Summary


class Pages:
    """The publisher of the command line and of pytest."""

    def judged(self, summary: Summary, folder: ResultsFolder) -> None:
        """Write `junit.xml` and `ctrf.json` with the results so far."""
        write_atomically(folder.junit, junit_text(summary))
        write_atomically(folder.ctrf, ctrf_text(summary))

    def ended(self, folder: ResultsFolder) -> str:
        """Write `report.html`. Return why it could not be written."""
        return report_run(folder.path)
