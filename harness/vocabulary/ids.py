"""The ids of deliveries, and the UUIDs and numbers that stand for them if a service accepts nothing else."""

from __future__ import annotations

import enum
import hashlib
import re
import uuid
from typing import Final

EVERY_ID: Final = "msg_"
"""The beginning of every delivery's id."""
EVERY_UUID: Final = "6d73675f"
"""The beginning of every such id's UUID, with and without hyphens: the same four letters, in hex."""
EVERY_NUMBER: Final = "737"
"""The beginning of every such id's number, which has 16 digits: JavaScript can represent it exactly."""
ANY_NAME: Final = re.compile(rf"{EVERY_ID}|(?<![0-9a-f]){EVERY_UUID}|{EVERY_NUMBER}(?=\d{{13}})")
"""Finds the beginning of a delivery's id, or of the UUID or number that stands for one."""
_ID = re.compile(rf"{EVERY_ID}([0-9a-f]{{12}})_(\d{{6,10}})")
_UUID = re.compile(
    r"(?<![0-9a-f])6d73675f-?([0-9a-f]{4})-?4([0-9a-f]{3})-?8([0-9a-f]{3})-?([0-9a-f]{2})(\d{10})(?![0-9a-f])",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"(?<!\d){EVERY_NUMBER}(\d{{8}})(\d{{5,8}})(?!\d)")
_SEED_BITS = 26
"""The part of a seed that fits into a number of eight digits."""


class Naming(enum.StrEnum):
    """How a target's requests name a delivery: by its id, or by the UUID or number that stands for it."""

    ID = "id"
    UUID = "uuid"
    NUMBER = "number"

    @property
    def begins(self) -> str:
        """The beginning of every such name."""
        return {Naming.ID: EVERY_ID, Naming.UUID: EVERY_UUID, Naming.NUMBER: EVERY_NUMBER}[self]


def seed_of(text: str) -> str:
    """Return the common part of one run's ids: twelve hex digits, of which the first eight determine the others.

    So a number that contains half of them still stands for one id.
    """
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return _whole(int.from_bytes(digest) >> (32 - _SEED_BITS))


def _whole(bits: int) -> str:
    first = f"{bits:08x}"
    return first + hashlib.blake2b(first.encode(), digest_size=2).hexdigest()


def uuid_of(name: str) -> str:
    """Return the UUID, of version 4, that stands for a delivery's id. `id_of` finds the id again.

    The id of something that is never stored may have any form; its UUID then only depends on it.
    """
    match = _ID.fullmatch(name)
    if match is None:
        return str(uuid.UUID(bytes=uuid.uuid5(uuid.NAMESPACE_OID, name).bytes, version=4))
    seed, index = match.groups()
    return f"{EVERY_UUID}-{seed[:4]}-4{seed[4:7]}-8{seed[7:10]}-{seed[10:]}{int(index):010}"


def number_of(name: str) -> str:
    """Return the number, in decimal digits, that stands for a delivery's id. `id_of` finds the id again.

    The id of something that is never stored may have any form; its number then only depends on it.
    """
    match = _ID.fullmatch(name)
    bits = int(match[1][:8], 16) if match else 0
    if match is None or match[1] != _whole(bits):
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        return f"{10**15 + int.from_bytes(digest) % 10**15}"
    return f"{EVERY_NUMBER}{bits:08}{int(match[2]):05}"


def id_of(text: str) -> str:
    """Return the text with the ids of deliveries in place of their UUIDs, with or without hyphens, and numbers."""
    text = _UUID.sub(lambda match: f"{EVERY_ID}{''.join(match.groups()[:4]).lower()}_{int(match[5]):06}", text)
    return _NUMBER.sub(_of_number, text)


def _of_number(match: re.Match[str]) -> str:
    bits = int(match[1])
    return match[0] if bits >> _SEED_BITS else f"{EVERY_ID}{_whole(bits)}_{int(match[2]):06}"


def named_by(seed: str, naming: Naming = Naming.ID) -> str:
    """Return an expression that finds the ids with this seed (12 hex digits), or their UUIDs and numbers."""
    match naming:
        case Naming.ID:
            return rf"{EVERY_ID}{seed}_\d{{6,}}"
        case Naming.UUID:
            return "-?".join((EVERY_UUID, seed[:4], f"4{seed[4:7]}", f"8{seed[7:10]}", rf"{seed[10:]}\d{{10}}"))
        case Naming.NUMBER:
            return rf"(?<!\d){EVERY_NUMBER}{int(seed[:8], 16):08}\d{{5,8}}(?!\d)"
