"""`unavailable.toml`: scenarios that some machines cannot run, why, and where they do run."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness.errors import UsageError

FILE = "unavailable.toml"
TABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """One entry. `runs` says where the scenario does run, so that it runs somewhere."""

    id: str
    reason: str
    runs: str


KEYS = tuple(field.name for field in fields(Unavailable))


def read_unavailable(path: Path, known_ids: Collection[str] | None = None) -> Mapping[str, Unavailable]:
    """Read the list, by id; without a file nothing is listed. Raises UsageError.

    `known_ids`: every id of the suite; None where not all of them are known.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise UsageError(f"{path}: cannot be read: {problem}", hint="mend the line that it names") from problem
    for key in data:
        if key != TABLE:
            raise UsageError.at(str(path), "key", key, "there is no such key", valid=[TABLE])
    entries = data.get(TABLE, [])
    if not isinstance(entries, list):
        raise UsageError.at(str(path), TABLE, entries, "not a list of tables", mend=f"write [[{TABLE}]]")
    listed: dict[str, Unavailable] = {}
    for number, raw in enumerate(entries, 1):
        entry = _entry(raw, f"{path}: {TABLE}[{number}]", known_ids)
        listed[entry.id] = entry
    return listed


def _entry(raw: Any, place: str, known_ids: Collection[str] | None) -> Unavailable:
    if not isinstance(raw, dict):
        raise UsageError.at(place, TABLE, raw, "not a table", mend=f"write [[{TABLE}]], then id, reason and runs")
    for key in raw:
        if key not in KEYS:
            raise UsageError.at(place, "key", key, "there is no such key", valid=KEYS)
    for key in KEYS:
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            raise UsageError.at(place, key, raw.get(key), "needs a text", mend=f"add {key} = '...'")
    entry = Unavailable(raw["id"], raw["reason"], raw["runs"])
    if known_ids is not None and entry.id not in known_ids:
        raise UsageError.at(place, "id", entry.id, "no scenario has this id", valid=known_ids)
    return entry
