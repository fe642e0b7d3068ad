"""Runs each SQL of the description once, and looks for the delivery that was just acknowledged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from harness.engine.observing.servers.stored import UnreadableError, stored_rows
from harness.engine.rig import Rig
from harness.errors import HarnessError, UsageError
from harness.history.events import StoredRow
from harness.inspection.found import Found, excerpt, place_of
from harness.polling import poll_async
from harness.target import Delivery, Target
from harness.target.sections.stored import StoredDescription

READ_EVERY_S = 0.05
OWN = "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
TABLES = f"SELECT table_name AS id, '' AS digest FROM information_schema.tables {OWN}"  # noqa: S608  # constant
COLUMNS = f"SELECT column_name AS id, '' AS digest FROM information_schema.columns {OWN}"  # noqa: S608  # constant
NAMED = re.compile(r'"([^"]+)"')
SHA256_HEX = 64
NO_PREPARE = "the database has no tables: write the command that creates them into [service], as prepare"
UNPREPARED = "the database has no tables, although prepare has run: have it create them in the database of its settings"
OF_CALL = "have the expression find the id in a call, METHOD PATH BODY, which the stub answers with a status below 400"
LATER = "; if a worker makes this later, say how much later with within_ms"


@dataclass(frozen=True, slots=True)
class _Sql:
    """SQL of the description.

    `digests`: whether it lists the digests of bodies. `within_ms`: how late a row may come. `lacking`: what may be
    missing in the description if the row does not come. `key`: where the description has the text. `absent`: what is
    wrong if the delivery is not there. `of_id`: what should be its id.
    """

    table: str
    text: str
    link: str
    digests: bool
    within_ms: float
    lacking: str = ""
    key: str = "sql"
    absent: str = "is not stored"
    of_id: str = "give the column that keeps the id of the request as id"


async def rows_found(rig: Rig, delivery: Delivery) -> AsyncIterator[Found]:
    """Read the stored rows, and their effects."""
    described = rig.target.description

    async def effect() -> Sequence[StoredRow]:
        return [StoredRow(*row) for row in await probe.rows(each.query, None)]

    if described.stored.sql is None:
        yield await _told_by_itself(rig, delivery)
    else:
        yield await _found(rig, delivery, _listing(described.stored, described.stored.sql), lambda: stored_rows(rig))
    for name, each in described.effects.items():
        probe = rig.sessions.of(rig.site.links[each.link].link)
        late = described.effect_within_ms(each)
        sql = _Sql(f"effects.{name}", each.sql or "", each.link, digests=False, within_ms=late, lacking=LATER)
        if each.calls is not None:
            sql = replace(sql, text=each.calls, key="calls", absent="no call has it", of_id=OF_CALL)
        yield await _found(rig, delivery, sql, effect)


async def unreadable(rig: Rig) -> HarnessError | None:
    """Return the server's error if it refuses the SQL of the stored rows, for example because a table is missing."""
    stored = rig.target.description.stored
    if stored.sql is None:
        return None
    try:
        await stored_rows(rig)
    except rig.sessions.of(rig.site.links[stored.link].link).errors as problem:
        return await _refused(rig, _listing(stored, stored.sql), problem)
    return None


def _listing(stored: StoredDescription, text: str) -> _Sql:
    return _Sql("stored", text, stored.link, digests=stored.digests, within_ms=stored.within_ms)


async def _told_by_itself(rig: Rig, delivery: Delivery) -> Found:
    try:
        rows = await stored_rows(rig)
    except UnreadableError as problem:
        return Found(what="[stored]", problem=problem)
    wrong = untold(rig.target, delivery, rows)
    return Found(what="[stored]", saw="" if wrong else "the service shows the delivery", problem=wrong)


def untold(target: Target, delivery: Delivery, rows: Sequence[StoredRow]) -> HarnessError | None:
    """Return the problem if the service's own answer does not show the delivery as it was sent."""
    mine = [row for row in rows if row.id == delivery.name]
    if not mine:
        told = f"the service does not show {delivery.name}, which it has acknowledged"
        hint = "correct what is asked, or the expression that finds ids in its answer"
        return HarnessError(f"{place_of(target, 'stored')}: {told}", hint=hint)
    listed = target.description.stored.listed
    if listed is None or any(row.digest == delivery.digest for row in mine):
        return None
    mend = "have its group digest, body or base64 find the body as it was sent, or leave it out, with digests = false"
    problem = _another_body(delivery, mine[0].digest)
    return UsageError.at(place_of(target, "stored.listed"), "each", listed.each, problem, mend=mend)


async def _found(rig: Rig, delivery: Delivery, sql: _Sql, read: Callable[[], Awaitable[Sequence[StoredRow]]]) -> Found:
    probe = rig.sessions.of(rig.site.links[sql.link].link)
    rows: Sequence[StoredRow] = ()

    async def there() -> bool:
        nonlocal rows
        rows = await read()
        return any(row.id == delivery.name for row in rows)

    try:
        await poll_async(there, within_s=sql.within_ms / 1e3, interval_s=READ_EVERY_S)
    except probe.errors as problem:
        return Found(what=f"[{sql.table}]", problem=await _refused(rig, sql, problem))
    wrong = _not_listed(rig, sql, delivery, rows)
    return Found(what=f"[{sql.table}]", saw=f"{len(rows)} rows, the delivery's among them", problem=wrong)


async def _refused(rig: Rig, sql: _Sql, problem: Exception) -> HarnessError:
    """The server refuses the SQL: name the table or column that it may mean, or what creates the tables."""
    probe = rig.sessions.of(rig.site.links[sql.link].link)
    known = sorted({name for query in (TABLES, COLUMNS) for name, _, _ in await probe.rows(query, None)})
    named = NAMED.search(str(problem))
    mend = "" if named else f"run it by hand; tables and columns: {', '.join(known) or 'none'}"
    if not known:
        mend = UNPREPARED if rig.target.description.service.prepare else NO_PREPARE
    return UsageError.at(
        place_of(rig.target, sql.table), "sql", sql.text, f"the server answered: {excerpt(str(problem))}",
        valid=known if named else (), mend=mend, sought=named[1] if named else None,
    )  # fmt: skip


def _not_listed(rig: Rig, sql: _Sql, delivery: Delivery, rows: Sequence[StoredRow]) -> UsageError | None:
    """Say what is wrong with the rows if the delivery is not among them as it was sent; None if it is."""
    place = place_of(rig.target, sql.table)
    mine = [row for row in rows if row.id == delivery.name]
    if not mine:
        seen = f"it lists {len(rows)} rows, the first {rows[0].id!r}" if rows else "it lists nothing"
        same = next((row.id for row in rows if row.digest == delivery.digest), None)
        mend = f"{sql.of_id}{sql.lacking}"
        if same is not None:
            mend = f"the body of this delivery is in the row {same!r}: {mend}"
        return UsageError.at(
            place, sql.key, sql.text, f"{delivery.name} was acknowledged, but {sql.absent}; {seen}", mend=mend
        )
    if not sql.digests or any(row.digest == delivery.digest for row in mine):
        return None
    mend = "list encode(sha256(COLUMN), 'hex') AS digest of the column that keeps the body, or write digests = false"
    return UsageError.at(place, "sql", sql.text, _another_body(delivery, mine[0].digest), mend=mend)


def _another_body(delivery: Delivery, found: str) -> str:
    """What a row shows instead of the digest of the sent body."""
    is_one = len(found) == SHA256_HEX and all(letter in "0123456789abcdef" for letter in found)
    what = "another SHA-256: of another column, or of the body as the service changed it" if is_one else "no SHA-256"
    return f"the digest of {delivery.name} is {excerpt(found)!r}, {what}; the body that was sent has {delivery.digest}"
