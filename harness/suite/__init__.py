"""Runs a selection of scenarios on servers, and keeps their results and the exit status."""

from harness.suite.selection.unavailable import Unavailable, read_unavailable
from harness.suite.selection.words import select
from harness.suite.servers import Servers
from harness.suite.session import Session
from harness.suite.settings import SuiteSettings, check_profile
from harness.suite.status import exit_status
from harness.suite.watcher import Watcher

__all__ = [
    "Servers",
    "Session",
    "SuiteSettings",
    "Unavailable",
    "Watcher",
    "check_profile",
    "exit_status",
    "read_unavailable",
    "select",
]
