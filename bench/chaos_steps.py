"""The steps of a Chaos Toolkit experiment besides its extension's own actions.

Chaos Toolkit imports it in its own environment, so it must not import anything of this project.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping

import asyncpg
import requests

STATEMENT = "SELECT count(*) FROM deliveries WHERE id = $1 AND encode(sha256(body), 'hex') = $2"
WITHIN_S = 30.0


class Told:
    """The service's answer, for the later probe."""

    acknowledged: bool | None = None


@functools.cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@functools.cache
def _session(url: str) -> asyncpg.Connection:
    return _runner().run(asyncpg.connect(url))


@functools.cache
def _http() -> requests.Session:
    return requests.Session()


def deliver(url: str, headers: Mapping[str, str], body: str) -> int:
    """Send the delivery, and remember whether it was acknowledged."""
    status = _http().post(url, headers=headers, data=body.encode(), timeout=WITHIN_S).status_code
    Told.acknowledged = status == 200
    return status


def acknowledged_is_stored(database: str, delivery: str, digest: str) -> bool:
    """Whether the delivery is stored exactly once if it was acknowledged, and otherwise at most once."""
    rows: int = _runner().run(_session(database).fetchval(STATEMENT, delivery, digest))
    return rows == 1 if Told.acknowledged else rows <= 1


def forget() -> None:
    """Start another experiment."""
    Told.acknowledged = None
