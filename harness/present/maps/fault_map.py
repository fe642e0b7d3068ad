"""Maps of the fault space that lie beside a run, as `maps.json`: what was broken where, and what came of it.

They are made of a sweep and of a coverage, and drawn by the report.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from harness.documents import read_document
from harness.present.looks import Tone
from harness.results.files import write_atomically
from harness.results.model import Read

SCHEMA: Final = "harness.maps/1"
FILE = "maps.json"


class Sign(Read):
    """What a cell may show. `tone`: how it looks; `count`: of its cells."""

    letter: str = Field(min_length=1, max_length=1)
    meaning: str
    tone: Tone
    count: int


class MapRow(Read):
    """One message. `told`: its place as it is written elsewhere. `runs`: from and to a column, and the letter."""

    group: str
    label: str
    told: str
    runs: tuple[tuple[int, int, str], ...]


class FaultMap(Read):
    """Messages down; across the `columns` by name, or, where there are none, bytes from 0.

    `of`: `coverage` or `sweep`. `about`: sentences. `link`: a page that tells more, relative to the run's folder.
    """

    of: Literal["coverage", "sweep"]
    title: str
    about: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    signs: tuple[Sign, ...]
    rows: tuple[MapRow, ...]
    link: str = Field(default="", pattern=r"^((\.\./[\w-]+/)?[\w-]+\.html)?$")


class Maps(Read):
    """The whole file. `problems`: sentences on what could not be read, and so is not among the maps."""

    schema_: Literal["harness.maps/1"] = Field(default=SCHEMA, alias="schema")
    maps: tuple[FaultMap, ...]
    problems: tuple[str, ...] = ()


def write_maps(folder: Path, maps: Sequence[FaultMap], problems: Sequence[str] = ()) -> None:
    """Write a run's maps, and what could not be drawn, as sentences; nothing where there is neither."""
    if maps or problems:
        data = Maps(maps=tuple(maps), problems=tuple(problems)).model_dump(mode="json", by_alias=True)
        write_atomically(folder / FILE, json.dumps(data, separators=(",", ":")) + "\n")


def read_maps(folder: Path) -> Maps:
    """The maps beside a run; none where there is no file. Raises UsageError for one that cannot be read."""
    path = folder / FILE
    if not path.is_file():
        return Maps(maps=())
    return read_document(Maps, path, schema=SCHEMA, mend="remove it, and have the report written anew")
