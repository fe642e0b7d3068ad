"""A plain stream of bytes in the examples of faults."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.sample import Sample

__all__ = ["SAMPLE"]

SAMPLE: Final = Sample(
    dead_url="tcp://[fe80::1]:9",
    rate_kb_s=10,
)
