"""HTTP in the examples of faults."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.sample import Sample

__all__ = ["SAMPLE"]

SAMPLE: Final = Sample(
    stores="POST",
    dead_url="http://[fe80::1]:80/",
    rate_kb_s=10,
    busy_error="503",
)
