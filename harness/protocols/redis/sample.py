"""Redis in the examples of faults."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.sample import Sample

__all__ = ["SAMPLE"]

SAMPLE: Final = Sample(
    stores="SET",
    dead_url="redis://[fe80::1]:6379",
    rate_kb_s=10,
    busy_error="LOADING",
    harmless="CLIENT KILL TYPE normal SKIPME yes",
)
