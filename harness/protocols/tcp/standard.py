"""A plain stream of bytes in the standard suite."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.standard import Standard
from harness.vocabulary import ACKNOWLEDGED, NO_WORD

__all__ = ["STANDARD"]

STANDARD: Final = Standard(cut_once=ACKNOWLEDGED | NO_WORD)
"""Bytes that were sent on a stream that ended may have arrived or not."""
