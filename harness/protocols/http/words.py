"""What a scenario says of a link on which the service calls something over HTTP/1.x."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.vocabulary.links import Link
from harness.vocabulary.messages import Direction, Phase

__all__ = ["LINK", "Http", "http"]

NAMES: Final[Mapping[Direction, tuple[str, ...]]] = {
    "sent": ("Request", "Tunnel"),
    "answered": ("Response", "Body", "Chunk", "LastChunk", "Interim", "Tunnel"),
}


@dataclass(frozen=True, repr=False)
class Http(Link, kind="Http"):
    """A link to an HTTP server: the text of a message is the request's method and path.

    `http.sent("POST /charges")` is a request, with its body, whose method and path begin so; `http.answered(...)` all
    of the response to it. `having` looks into the values of the request's header fields and into its body.

    A response has parts: `message="Response"` is its head, `"Body"` a body that comes as a whole, `"Chunk"` each chunk
    of one that comes in chunks, with its size, and `"LastChunk"` the end of that. `"Interim"` is a response that
    another follows, such as 100. After an upgrade all that goes in one direction is one `"Tunnel"`.

    Example:
        `wire.cut(http.answered("POST /charges", message="Chunk", nth=2), after_bytes=5)`: half a chunk.
    """

    protocol: ClassVar[str] = "http"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = NAMES
    phases: ClassVar[tuple[Phase, ...]] = ("query", "idle")


LINK: Final = Http
http: Final = Http("http")
