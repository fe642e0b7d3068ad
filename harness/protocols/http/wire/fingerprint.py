"""The shape of a request: the same for every delivery, different for different work."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["shape_of"]

# A plain word, or a version of the interface. All other parts of a path count as values.
_WORD: Final = re.compile(r"[A-Za-z_.~-]{1,32}|v[0-9]{1,3}|\*")


def shape_of(text: str) -> str:
    """Return method and path with ? for its values: "GET /charges/?/refunds?after=?&limit=?"."""
    method, blank, target = text.partition(" ")
    path, mark, query = target.partition("?")
    segments = "/".join(part if not part or _WORD.fullmatch(part) else "?" for part in path.split("/"))
    names = "&".join(f"{name}=?" for name in sorted({each.partition("=")[0] for each in query.split("&") if each}))
    return f"{method}{blank}{segments}{mark}{names}"
