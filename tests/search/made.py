"""Recordings and results made by hand, for the parts that need no server."""

from __future__ import annotations

from typing import Any

from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Phase
from harness.relay import Seen
from harness.search.recording.places import CellId, Kind, Place, Point
from harness.search.recording.recording import LinkSeen, Observed, Recording, recording
from harness.search.sweep.results import CellResult, CellVerdict, RowOfMap, SweepResults

INSERT = "INSERT INTO deliveries VALUES ($1)"


def seen(
    direction: Direction, message: str, text: str = "", *, phase: Phase = "query", t_ns: int = 0, length: int = 20
) -> Seen:
    runs = direction == "sent" and message in ("Query", "Execute", "SET")
    ends = message in ("ReadyForQuery", "SimpleString")
    return Seen(
        hop="hop", connection=1, t_ns=t_ns, direction=direction, message=message, text=text, phase=phase,
        exchange=1, runs=runs, ends_answer=ends, offset=0, length=length,
    )  # fmt: skip


def messages_of(delivery: str) -> list[Seen]:
    """What a delivery with this id puts on a PostgreSQL link."""
    insert = f"/* {delivery} */ {INSERT}" if delivery.startswith("comment") else INSERT
    told: list[tuple[Direction, str, str, Phase]] = [
        ("sent", "Query", "BEGIN", "query"), ("answered", "CommandComplete", "BEGIN", "query"),
        ("answered", "ReadyForQuery", "BEGIN", "query"),
        ("sent", "Bind", insert, "query"), ("sent", "Execute", insert, "query"), ("sent", "Sync", insert, "query"),
        ("answered", "DataRow", insert, "query"), ("answered", "ReadyForQuery", insert, "query"),
        ("sent", "Query", "COMMIT", "commit"), ("answered", "CommandComplete", "COMMIT", "commit"),
        ("answered", "ReadyForQuery", "COMMIT", "commit"),
    ]  # fmt: skip
    return [seen(where, name, text, phase=phase, t_ns=n) for n, (where, name, text, phase) in enumerate(told, 10)]


def redis_of(delivery: str) -> list[Seen]:
    text = f"SET webhook:seen:{delivery} 1 NX"
    return [seen("sent", "SET", text, t_ns=1), seen("answered", "SimpleString", text, t_ns=2)]


def delivered(delivery: str) -> list[LinkSeen]:
    return [
        LinkSeen("postgres", "postgres", messages_of(delivery)),
        LinkSeen("redis", "redis", redis_of(delivery)),
    ]


def as_is(protocol: str, text: str) -> str:
    """A fingerprint that keeps what two deliveries have in common."""
    return text.partition(":")[0] if protocol == "redis" else text


def made_recording(kind: Kind = "warm") -> Recording:
    return recording(kind, [delivered("a"), delivered("b")], as_is)


def place(message: str = "Query", text: str = "COMMIT", **more: object) -> Place:
    given: dict[str, object] = {"protocol": "postgres", "direction": "sent", "phase": "commit", "occurrence": 1, **more}
    return Place(message=message, text=text, **given)  # type: ignore[arg-type]  # of the test's own choosing


def cell(action: str = "cut_before", *, kind: Kind = "warm", at: Place | None = None) -> CellId:
    return CellId(kind, Point(at or place(), action))


def result(verdict: CellVerdict, which: CellId | None = None, *, struck: int = 1, **more: Any) -> CellResult:
    return CellResult(cell=which or cell(), verdict=verdict, struck=struck, **more)


def results(*cells: CellResult) -> SweepResults:
    rows = dict.fromkeys(RowOfMap(each.cell.kind, each.cell.first.place, 20) for each in cells)
    return SweepResults(rows=list(rows), cells=list(cells), planned=len(cells), sweeping_s=1.0)


def observed(**more: object) -> Observed:
    given: dict[str, object] = {
        "place": place(), "link": "postgres", "text": "COMMIT", "nth": 1, "length": 12, "runs": True,
        "ends_answer": False, **more,
    }  # fmt: skip
    return Observed(**given)  # type: ignore[arg-type]  # of the test's own choosing
