"""The servers of a test session: started when a test first needs them, replaced when one of them has failed."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.chaos.chaos import Chaos
from harness.chaos.connects import Connects
from harness.chaos.description import linked, the_tests_own
from harness.chaos.thread import HoldingThread
from harness.closing import Closing
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.errors import UsageError
from harness.stack import StackConfiguration
from harness.stack.folders import private_folder
from harness.stack.tcp.refusals import Refusals

DRIVER = re.compile(r"^(\w+)\+\w+://")
"""SQLAlchemy's driver in a URL: `postgresql+psycopg2://`."""


class ChaosServers(Closing):
    """A context manager: its end stops the servers that the harness has started.

    `given`: URLs of running servers by protocol. They override the configuration. `progress` receives a note on
    anything slow.
    """

    def __init__(
        self,
        configuration: StackConfiguration,
        given: Mapping[str, str],
        *,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        for name in given:
            if name not in linked():
                problem = "a test has no server of this protocol"
                raise UsageError.at("chaos_servers", "name", name, problem, valid=linked())
        urls = {name: DRIVER.sub(r"\1://", url) for name, url in given.items()}
        self._configuration = replace(configuration, servers={**configuration.servers, **urls})
        self._progress = progress
        self._connects = Connects(Refusals.opened())
        self._running: tuple[HoldingThread[Testbed], Testbed] | None = None

    @contextmanager
    def laid(self) -> Iterator[Chaos]:
        """Give a test its own databases and links. The block's end heals remaining faults, and removes them."""
        thread, bed = self._fit()
        chaos = Chaos(thread, bed, self._connects)
        try:
            thread.call(chaos.open())
            yield chaos
        finally:
            thread.call(chaos.close())

    def _fit(self) -> tuple[HoldingThread[Testbed], Testbed]:
        if self._running is not None and (self._running[1].changed or self._running[1].stack.dead() is not None):
            self._stop()
        if self._running is None:
            thread = HoldingThread(functools.partial(_opened, self._configuration, self._progress))
            self._running = thread, thread.open()
        return self._running

    def close(self) -> None:
        """Stop them. Idempotent."""
        self._connects.close()
        self._stop()

    def _stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running[0].close()


@contextmanager
def _opened(configuration: StackConfiguration, progress: Callable[[str], None] | None) -> Iterator[Testbed]:
    with private_folder() as folder:
        logs = Path(folder, "logs")
        with open_testbed(the_tests_own(), configuration, logs=logs, progress=progress) as bed:
            yield bed
