"""What the standard suite breaks in PostgreSQL alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from harness.faults import link, server
from harness.faults.example import SOME, Example, Ground
from harness.protocols.contract.standard import Break, Standard
from harness.protocols.postgres.words import Postgres
from harness.vocabulary import ACKNOWLEDGED, NO_WORD, REFUSED

__all__ = ["STANDARD"]

NEVER_ERRS = re.compile(
    r"\s*(SELECT pg_advisory_unlock_all|DISCARD|RESET|UNLISTEN|CLOSE ALL|DEALLOCATE"
    r"|BEGIN|START TRANSACTION|ROLLBACK(?!\s+TO|\s+PREPARED)|ABORT)\b",
    re.IGNORECASE,
)
"""Statements that read and write no row. A failed ROLLBACK would leave its session in a state that no service can
meet."""

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)
COMMITS = re.compile(r"\s*(COMMIT|END)\b(?!\s+PREPARED)", re.IGNORECASE)


def _breaks(ground: Ground) -> Iterable[Break]:
    postgres = ground.link_as(Postgres)
    may_refuse = ACKNOWLEDGED | REFUSED
    yield Break(
        name="sessions_ended",
        about="An administrator ends the sessions at rest; the next deliveries get new ones.",
        example=Example(server.end_sessions(postgres), met="after", deliveries=SOME),
    )
    yield Break(
        name="backend_crashed",
        about="One backend crashes, and PostgreSQL ends every session and recovers.",
        example=Example(server.crash_backend(postgres), met="after", deliveries=SOME, expect=may_refuse),
    )
    yield Break(
        name="out_of_sessions",
        about="PostgreSQL refuses new sessions (53300), and the old ones are cut.",
        example=Example(
            server.limit_connections(postgres, 0), beside=(link.cut(postgres),), deliveries=SOME, expect=may_refuse
        ),
    )
    yield Break(
        name="failed_over",
        about="The primary dies and its synchronous standby takes its place.",
        example=Example(server.promote(postgres), deliveries=SOME, expect=ACKNOWLEDGED | NO_WORD),
    )
    if ground.names_table:
        yield Break(
            name="locked",
            about="Another session locks the table for a while; deliveries wait, or are refused.",
            example=Example(server.lock(postgres, ground.table), met="until met", expect=may_refuse),
        )


def _may_err(text: str) -> bool:
    """Whether a server may answer it with an error: it may for a COMMIT, but not for a pool's ROLLBACK or DISCARD."""
    return NEVER_ERRS.match(text) is None


def _writes(text: str) -> bool:
    return WRITES.match(text) is not None


def _commits(text: str) -> bool:
    return COMMITS.match(text) is not None


STANDARD: Final = Standard(breaks=_breaks, may_err=_may_err, writes=_writes, commits=_commits)
