"""Servers that a session borrows instead of bringing up its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from harness.engine.laying.testbed import Testbed
from harness.target import Target


class Servers(Protocol):
    """What lends servers. A session borrows one set at a time, and again after its servers have died."""

    def lend(self, target: Target, *, logs: Path, progress: Callable[[str], None]) -> AbstractContextManager[Testbed]:
        """Give servers for this target, and write what they log meanwhile into the folder `logs`.

        `progress` is told of what takes long. Raises HarnessError for servers that do not come up.
        """
        ...
