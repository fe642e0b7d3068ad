"""Lets a session use servers that are already running."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from harness.engine.laying.testbed import Testbed
from harness.target import Target


class Servers(Protocol):
    """Lends servers. A session borrows one set at a time, and again after its servers have died."""

    def lend(self, target: Target, *, logs: Path, progress: Callable[[str], None]) -> AbstractContextManager[Testbed]:
        """Lend servers for this target. While they are lent, their logs go into the folder `logs`.

        `progress` receives a note on anything slow. Raises HarnessError if the servers do not start.
        """
        ...
