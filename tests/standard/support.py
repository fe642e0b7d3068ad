"""Recordings that the tests make."""

from __future__ import annotations

from harness.search.recording.places import Kind, Place
from harness.search.recording.recording import Observed, Recording
from harness.vocabulary import Link
from harness.vocabulary.messages import Direction


def of(link: Link, *texts: str, kind: Kind = "warm", answered: bool = True) -> Recording:
    """A recording in which these statements are sent, and perhaps answered."""
    ways: tuple[Direction, ...] = ("sent", "answered") if answered else ("sent",)
    seen = [
        Observed(
            Place(link.protocol, way, "query", "Any", text, 1), link.name, text, 1, 10, way == "sent", way != "sent"
        )
        for text in texts
        for way in ways
    ]
    return Recording(kind, tuple(seen))
