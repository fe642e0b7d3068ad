"""The ladder from the minimal service to the real one."""

from __future__ import annotations

import enum


class Rung(enum.IntEnum):
    """The parts, cumulatively."""

    BARE = 0
    """Starlette, asyncpg's pool, one INSERT that commits by itself."""
    TRANSACTION = 1
    """BEGIN, INSERT, COMMIT: three round trips."""
    CORE = 2
    """SQLAlchemy Core and its pool in place of asyncpg's."""
    PING = 3
    """The connection is checked before it is used: one more round trip."""
    CHECKED = 4
    """The service's own checks: headers, signature, JSON."""
    REDIS = 5
    """SET NX EX before the INSERT."""
