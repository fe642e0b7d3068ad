"""A COMMIT that gave up waiting for a synchronous standby: PostgreSQL answers it as any other, with a warning before.

The row is on the primary alone then. Everybody sees it there, and a failover loses it.
"""

from typing import Any

import asyncpg

_WARNING = "01000"


class WarnedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that knows whether the server has warned of anything."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.warned = False
        self.add_log_listener(_note)


def _note(connection: Any, message: Any) -> None:
    connection.warned = connection.warned or message.sqlstate == _WARNING


def forget_warnings(driver: object) -> None:
    """Begin anew: what comes from now on belongs to the next statement."""
    if isinstance(driver, WarnedConnection):
        driver.warned = False


def was_warned(driver: object) -> bool:
    """Tell whether the last statement came with a warning: a COMMIT has no other than this one."""
    return isinstance(driver, WarnedConnection) and driver.warned
