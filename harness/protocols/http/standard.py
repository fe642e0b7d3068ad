"""HTTP in the standard suite."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.standard import Standard
from harness.vocabulary import ACKNOWLEDGED, NO_WORD

__all__ = ["STANDARD"]

STANDARD: Final = Standard(cut_once=ACKNOWLEDGED | NO_WORD, calls=True)
"""A POST whose answer is lost may have been carried out, so the service may say that it does not know (RFC 9110,
9.2.2)."""
