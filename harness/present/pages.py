"""Writes a session's reports for CI services and its HTML report."""

from __future__ import annotations

from pathlib import Path

from harness.present.ci.allure import write_allure
from harness.present.ci.ctrf import ctrf_text
from harness.present.ci.junit import junit_text
from harness.present.html import report_run
from harness.results.files import write_atomically
from harness.results.folder import ResultsFolder
from harness.results.summary import Summary


class Pages:
    """The publisher of the command line and of pytest. `allure`: a folder for Allure's files, if they are wanted."""

    def __init__(self, allure: Path | None = None) -> None:
        self._allure = allure

    def judged(self, summary: Summary, folder: ResultsFolder) -> None:
        """Write `junit.xml`, `ctrf.json` and Allure's files with the results so far."""
        write_atomically(folder.junit, junit_text(summary))
        write_atomically(folder.ctrf, ctrf_text(summary))
        if self._allure is not None:
            write_allure(summary, self._allure)

    def ended(self, folder: ResultsFolder) -> str:
        """Write `report.html`. Return why it could not be written."""
        return report_run(folder.path)
