"""Finds out whether a handler answers a repeat of a stored delivery with a special status."""

from __future__ import annotations

import re

KNOWN = r"UniqueViolation|UniqueConstraint|IntegrityError|duplicate|already|exists|23505|P2002"
STATUS = r"(?<!\d)(409|208)(?!\d)|(StatusConflict|StatusAlreadyReported|CONFLICT)\b"
TOLD = re.compile(rf"(?:{KNOWN})[\s\S]{{0,200}}?(?:{STATUS})|(?:{STATUS})[^\n]{{0,80}}?(?:{KNOWN})", re.IGNORECASE)
"""The code around the error of a unique key, or a word for that error."""
COMPARED = re.compile(r"another|differ|mismatch|fingerprint", re.IGNORECASE)
"""Words of a service that compares bodies: it uses the status only for another body."""
NAMED = {"statusconflict": "409", "conflict": "409", "statusalreadyreported": "208"}


def status_of_repeat(handler: str) -> str:
    """Return the status by which a handler says that the delivery is stored already; empty if it has none."""
    found = TOLD.search(handler)
    if found is None or COMPARED.search(handler):
        return ""
    status = str(next(filter(None, found.groups())))
    return NAMED.get(status.lower(), status)
