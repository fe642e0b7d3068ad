"""Handles standard streams whose reader has gone."""

from __future__ import annotations

import os
from typing import IO


def into_nothing(stream: IO[str]) -> None:
    """Discard unwritten output: it would fail again when the stream is flushed or Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
