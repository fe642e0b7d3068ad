"""An output that a process cannot write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LostOutput:
    """`device`: the file that accepts no byte; None: a pipe whose reader has gone."""

    device: Path | None = None

    @contextmanager
    def opened(self, beside: Path) -> Iterator[Path]:
        """Yield the path that a process must open in the block. After the block nothing can be written there.

        `beside`: a file in whose folder a pipe can be created for the block.
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
