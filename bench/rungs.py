"""The ladder from the least that could do the work towards the service."""

from __future__ import annotations

import enum


class Rung(enum.IntEnum):
    """What is there, cumulatively."""

    BARE = 0
    """Starlette, asyncpg's pool, one INSERT that commits by itself."""
    TRANSACTION = 1
    """BEGIN, INSERT, COMMIT: three round trips."""
    CORE = 2
    """SQLAlchemy Core and its pool in place of asyncpg's."""
    PING = 3
    """The connection is tried before it is used: one round trip more."""
    CHECKED = 4
    """The service's own checks: headers, signature, JSON."""
    REDIS = 5
    """SET NX EX before the INSERT."""
