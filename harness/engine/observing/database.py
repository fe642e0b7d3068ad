"""What PostgreSQL says of one service: its sessions, and the rows that it has stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.engine.observing.sessions import Sessions
from harness.engine.rig import Rig
from harness.faults.site import LaidLink, Site
from harness.history.events import StoredRow
from harness.protocols.postgres.words import Postgres


@dataclass(frozen=True, slots=True)
class SessionCount:
    """How many sessions the service has on one link, and how many of them are not idle."""

    open: int
    busy: int


def postgres_links(site: Site) -> Sequence[LaidLink]:
    """Return the service's links to PostgreSQL."""
    return [laid for laid in site.links.values() if isinstance(laid.link, Postgres)]


async def session_count(sessions: Sessions, laid: LaidLink) -> SessionCount:
    """Count the service's sessions on a link."""
    sql = "SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity WHERE usename = $1"
    (row,) = await sessions.fetch(laid.link, sql, laid.words["user"])
    return SessionCount(*row)


async def waiting_for_locks(rig: Rig) -> int:
    """Count the service's sessions that wait for a lock of another session."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND cardinality(pg_blocking_pids(pid)) > 0"
    counts = [await rig.sessions.fetch(each.link, sql, each.words["user"]) for each in postgres_links(rig.site)]
    return sum(int(rows[0][0]) for rows in counts)


async def stored_rows(rig: Rig, ids: Sequence[str] | None = None) -> Sequence[StoredRow]:
    """Read what is stored: of these deliveries, or all of it."""
    stored = rig.target.description.stored
    every = f"({stored.sql.rstrip().rstrip(';')}\n) AS stored"
    sql = f"SELECT id::text, digest::text, count(*)::int FROM {every}"  # noqa: S608  # the target's own SQL
    only, given = ("", []) if ids is None else ("WHERE id::text = ANY($1)", [list(ids)])
    rows = await rig.sessions.fetch(rig.site.links[stored.link].link, f"{sql} {only} GROUP BY 1, 2", *given)
    return [StoredRow(*row) for row in rows]
