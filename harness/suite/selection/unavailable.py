"""`unavailable.toml`: scenarios that some machines cannot run, why, and where they do run.

[[unavailable]]
id = "half_open_connections"
reason = "needs a network namespace"
runs = "Linux 5.0 or later, in CI"
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from harness.documents import Table, Text, check_document, read_toml
from harness.errors import UsageError

FILE = "unavailable.toml"


class Unavailable(Table):
    """One entry. `runs` says where the scenario does run, so that at least one machine runs it."""

    id: Text
    reason: Text
    runs: Text


class _File(Table):
    unavailable: tuple[Unavailable, ...] = ()


def read_unavailable(path: Path, known_ids: Collection[str] | None = None) -> Mapping[str, Unavailable]:
    """Read the list, by id. A missing file is an empty list. Raises UsageError.

    `known_ids`: every id of the suite; None if one of them is unknown.
    """
    if not path.exists():
        return {}
    listed = check_document(_File, read_toml(path, mend="fix or remove it"), place=str(path)).unavailable
    for number, entry in enumerate(listed):
        if known_ids is not None and entry.id not in known_ids:
            place = f"{path}: unavailable[{number}]"
            raise UsageError.at(place, "id", entry.id, "no scenario has this id", valid=known_ids)
    return {entry.id: entry for entry in listed}
