"""PostgreSQL in the examples of faults."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.sample import Sample

__all__ = ["SAMPLE"]

SAMPLE: Final = Sample(
    stores="INSERT",
    dead_url="postgresql://nobody@[fe80::1]:5432/nothing",
    rate_kb_s=100,
    busy_error="40001",
    harmless="ANALYZE {table}",
    said_at_start="ParameterStatus",
)
