"""An output of a process that cannot be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LostOutput:
    """`device`: the file that takes no byte; None: a pipe whose reader has gone."""

    device: Path | None = None

    @contextmanager
    def opened(self, beside: Path) -> Iterator[Path]:
        """Give what a process is to open for the block: after it nothing can be written there.

        `beside`: a file in whose folder a pipe may lie for so long.
        """
        if self.device is not None:
            yield self.device
            return
        pipe = beside.with_suffix(".pipe")
        os.mkfifo(pipe, 0o600)
        try:
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # without one a writer would wait
            try:
                yield pipe
            finally:
                os.close(reader)
        finally:
            pipe.unlink()
