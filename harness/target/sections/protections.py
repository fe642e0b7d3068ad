"""Names of protections. `pool.pre_ping` switches one off; `deadline.statement:eager` makes one wrong in another way."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import UsageError
from harness.target.description import TargetDescription


def protection_of(name: str) -> str:
    """Return the protection that `protection:variant` names."""
    return name.partition(":")[0]


def switched_off(description: TargetDescription, name: str, *, place: str, key: str) -> Mapping[str, str]:
    """Return settings that switch a protection off, or make it wrong as `name:variant` says. Raises UsageError."""
    protection, _, variant = name.partition(":")
    if protection not in description.protections:
        raise UsageError.at(place, key, name, "no such protection", valid=description.protections)
    found = description.protections[protection]
    if not variant:
        return found.off
    if variant not in found.variants:
        known = [f"{protection}:{word}" for word in found.variants] or [protection]
        raise UsageError.at(place, key, name, "no such variant", valid=known)
    return found.variants[variant]
