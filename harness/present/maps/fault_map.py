"""Maps of the fault space beside a run, in `maps.json`: which faults were tried where, and with what result.

A sweep and the coverage give them; the report draws them.
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
    """One message. `told`: its place as text. `runs`: first column, last column, letter."""

    group: str
    label: str
    told: str
    runs: tuple[tuple[int, int, str], ...]


class FaultMap(Read):
    """Messages down. Across: the `columns` by name, or bytes from 0 if there are none.

    `of`: `coverage`, `sweep`, or `wrap` for a sweep over a command. `about`: sentences. `link`: a page with more
    detail, relative to the run's folder.
    """

    of: Literal["coverage", "sweep", "wrap"]
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
    """Write a run's maps, and sentences on what could not be drawn. If there are neither, write no file."""
    if maps or problems:
        data = Maps(maps=tuple(maps), problems=tuple(problems)).model_dump(mode="json", by_alias=True)
        write_atomically(folder / FILE, json.dumps(data, separators=(",", ":")) + "\n")


def read_maps(folder: Path) -> Maps:
    """Read the maps beside a run; empty if there is no file. Raises UsageError for a file that cannot be read."""
    path = folder / FILE
    if not path.is_file():
        return Maps(maps=())
    return read_document(Maps, path, schema=SCHEMA, mend="remove it, and write the report again")
