"""Finds the header by which a handler tells one delivery from another: an idempotency key, the id of an event."""

from __future__ import annotations

import re

NAME = r"[\w-]*idempotency[\w-]*|(?:[\w-]+[-_])?(?:request|event|delivery|message|webhook)[-_]id"
READ = re.compile(rf"(?:headers?\b[^\n]{{0,12}}?|\b(?:get|header)\()[\"']({NAME})[\"']", re.IGNORECASE)
"""`request.headers.get("...")`, `req.headers["..."]`, `r.Header.Get("...")`, `req.get("...")`."""
TAKEN = re.compile(rf"\b({NAME}): [^\n]*?\bHeader\(", re.IGNORECASE)
"""A parameter of FastAPI's: `idempotency_key: str = Header()`."""
ALIAS = re.compile(rf"\bHeader\([^\n]*?alias=[\"']({NAME})[\"']", re.IGNORECASE)


def id_header(handler: str) -> str:
    """Return the header's name in lower case; empty if the handler reads no such header."""
    named = READ.search(handler) or ALIAS.search(handler)
    if named is not None:
        return named[1].lower()
    taken = TAKEN.search(handler)
    return "" if taken is None else taken[1].lower().replace("_", "-")
