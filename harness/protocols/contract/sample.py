"""What an example of a fault needs to know about a protocol. `harness new` writes it into a first draft.

The implementation is `SAMPLE` in `harness/protocols/NAME/sample.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.protocols.registry import Facet

__all__ = ["SAMPLE", "Sample"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Words of one protocol that fit any service."""

    stores: str = ""
    """The beginning of the statement, command or request that stores or remembers a delivery."""
    dead_url: str
    """A URL for which the kernel itself reports "no route": link-local, without a scope."""
    rate_kb_s: int
    """At this rate the largest message passes within a statement's time-out, and the smallest takes a millisecond."""
    busy_error: str = ""
    """The code of an error that goes away when the service tries again; "" if servers return no errors."""
    harmless: str = ""
    """A statement or command that a server carries out and confirms; `{table}` is the table of deliveries."""
    said_at_start: str = ""
    """The name of a message that a server sends when a connection starts, and that may come twice; "" for none."""


SAMPLE: Final[Facet[Sample]] = Facet("sample", "SAMPLE")
