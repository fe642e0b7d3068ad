"""What proves that a fault took effect, as its class declares it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """One kind of evidence.

    `kind`: its name in histories and in `summary.json`. `source`: who saw it. `words`: what was seen, for a
    reader who chooses a fault: "bytes moved on the link while the toxic was on".
    """

    kind: str
    source: str
    words: str
