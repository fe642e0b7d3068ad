"""Links on which the service calls something over HTTP/1.x."""

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
    """A link to an HTTP/1.x server. A message's text is the request's method and path.

    For example::

        half_a_chunk = wire.cut(http.answered("POST /charges", message="Chunk", nth=2), after_bytes=5)
        async with lab.inject(half_a_chunk):
            await lab.deliver()

    `http.sent("POST /charges")` is a request, with its body, whose method and path begin with this text;
    `http.answered(...)` is the whole response to it. `having` searches the values of the request's header fields and
    its body.

    A response has parts: `message="Response"` is its head, `"Body"` a body that comes as a whole, `"Chunk"` each chunk
    of a chunked body with its size (RFC 9112, section 7.1), and `"LastChunk"` its end. `"Interim"` is a response that
    is followed by another, such as 100 (RFC 9110, section 15.2). After an upgrade everything in one direction is one
    `"Tunnel"`.

    Args:
        name: the link's name in the target description. `http` is the link with the name `http`.

    Raises:
        UsageError: it is not a link's name: a letter from a to z, then letters, digits, `_` and `.`.
    """

    protocol: ClassVar[str] = "http"
    names: ClassVar[Mapping[Direction, tuple[str, ...]]] = NAMES
    phases: ClassVar[tuple[Phase, ...]] = ("query", "idle")


LINK: Final = Http
http: Final = Http("http")
