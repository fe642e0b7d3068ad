"""The ids of deliveries, and the UUIDs that stand for them if a service accepts only UUIDs."""

from __future__ import annotations

import re
import uuid
from typing import Final

EVERY_ID: Final = "msg_"
"""The beginning of every delivery's id."""
EVERY_UUID: Final = "6d73675f-"
"""The beginning of every such id's UUID: the same four letters, in hex."""
_ID = re.compile(rf"{EVERY_ID}([0-9a-f]{{12}})_(\d{{6,10}})")
_UUID = re.compile(
    r"(?<![0-9a-f])6d73675f-?([0-9a-f]{4})-?4([0-9a-f]{3})-?8([0-9a-f]{3})-?([0-9a-f]{2})(\d{10})(?![0-9a-f])",
    re.IGNORECASE,
)


def uuid_of(name: str) -> str:
    """Return the UUID, of version 4, that stands for a delivery's id. `id_of` finds the id again.

    The id of something that is never stored may have any form; its UUID then only depends on it.
    """
    match = _ID.fullmatch(name)
    if match is None:
        return str(uuid.UUID(bytes=uuid.uuid5(uuid.NAMESPACE_OID, name).bytes, version=4))
    seed, index = match.groups()
    return f"{EVERY_UUID}{seed[:4]}-4{seed[4:7]}-8{seed[7:10]}-{seed[10:]}{int(index):010}"


def id_of(text: str) -> str:
    """Return the text with the ids of deliveries in place of their UUIDs, with or without hyphens."""
    return _UUID.sub(lambda match: f"{EVERY_ID}{''.join(match.groups()[:4]).lower()}_{int(match[5]):06}", text)


def named_by(seed: str, *, uuids: bool = False) -> str:
    """Return an expression that finds the ids that contain this seed (12 hex digits), or the UUIDs of these ids."""
    if not uuids:
        return rf"{EVERY_ID}{seed}_\d{{6,}}"
    return "-?".join((EVERY_UUID[:-1], seed[:4], f"4{seed[4:7]}", f"8{seed[7:10]}", rf"{seed[10:]}\d{{10}}"))
