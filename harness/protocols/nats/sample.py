"""NATS in the examples of faults."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.sample import Sample

__all__ = ["SAMPLE"]

SAMPLE: Final = Sample(
    stores="PUB",
    dead_url="nats://[fe80::1]:4222",
    rate_kb_s=10,
    busy_error="10008",
    harmless="$JS.API.INFO",
)
