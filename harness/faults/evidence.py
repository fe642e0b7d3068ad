"""Kinds of evidence: what proves that a fault took effect."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """One kind of evidence.

    `kind`: its name in histories and in `summary.json`. `source`: who observed it, such as "kernel". `words`: what was
    observed, for a reader who chooses a fault: "bytes moved on the link while the toxic was on". `felt`: whether it
    shows that the service felt the fault, not only that it was carried out.
    """

    kind: str
    source: str
    words: str
    felt: bool = True
