"""Reads the `wrap.json` of a past sweep over a command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import Field, PlainValidator

from harness.checks import Verdict
from harness.documents import read_document
from harness.results.cause import Cause
from harness.results.folder import FILE
from harness.results.model import CauseRead, Read
from harness.wrap.sweep.cells import Cell, Kind
from harness.wrap.sweep.results import JSON_FILE, SCHEMA, CellResult, SweepFound
from harness.wrap.sweep.statements import OTHER, Statement


def _cell(text: Any) -> Cell:
    """The kind of break in an id: `postgres/COMMIT/1/answer_lost`, or `redis/refused`."""
    head, _, kind = str(text).rpartition("/")
    if kind not in get_args(Kind) or not head:
        raise ValueError("not a break of a sweep")
    known = cast("Kind", kind)
    server, slash, rest = head.partition("/")
    if not slash:
        return Cell(server, known)
    shape, _, occurrence = rest.rpartition("/")
    if not (shape and occurrence.isdigit()):
        raise ValueError("not a break of a sweep")
    statement = Statement(
        server=server, protocol="", shape=shape, occurrence=int(occurrence), text="", nth=0, telling=OTHER, position=0
    )
    return Cell(server, known, statement)


class WrapCellRead(Read):
    """One break, judged."""

    id: Annotated[Cell, PlainValidator(_cell)]
    verdict: Verdict
    reason: str
    evidence: tuple[str, ...] = ()
    tests: Mapping[str, str] = Field(default={})
    took_s: float = 0.0
    log: str = ""
    cause: CauseRead | None = None

    def result(self) -> CellResult:
        """The break in the sweep's own form."""
        cause = None if self.cause is None else Cause(self.cause.check, self.cause.symptom, self.cause.where)
        return CellResult(
            cell=self.id, verdict=self.verdict, reason=self.reason, evidence=self.evidence, tests=self.tests,
            took_s=self.took_s, log=self.log, cause=cause,
        )  # fmt: skip


class WrapRead(Read):
    """The part of a `wrap.json` that is read."""

    schema_: Literal["harness.wrap/1"] = Field(alias="schema")
    command: str
    complete: bool
    planned: int
    left_out: tuple[str, ...] = ()
    unbroken_s: float = 0.0
    tests: int | None = None
    cells: tuple[WrapCellRead, ...]

    def found(self) -> SweepFound:
        """The sweep's results."""
        return SweepFound(
            planned=self.planned, cells=[each.result() for each in self.cells], left_out=list(self.left_out),
            took_s=self.unbroken_s, tests=self.tests,
        )  # fmt: skip


def wrap_named(word: str, results: Path) -> Path | None:
    """Return the `wrap.json` that a user names by its file, its folder or its run's name.

    None if there is no such run.
    """
    for path in (results / word, Path(word)):
        if path.name == JSON_FILE and path.is_file():
            return path
        if (path / JSON_FILE).is_file() and not (path / FILE).is_file():
            return path / JSON_FILE
    return None


def read_wrap(path: Path) -> WrapRead:
    """Read one file. Raises UsageError."""
    return read_document(WrapRead, path, schema=SCHEMA, mend="sweep again")


__all__ = ["WrapCellRead", "WrapRead", "read_wrap", "wrap_named"]
