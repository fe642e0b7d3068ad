"""A COMMIT that gave up waiting for a synchronous standby: PostgreSQL answers it like any other, after a warning.

The row is then only on the primary. Every client sees it there, and a failover loses it.
"""

from typing import Any

import asyncpg

_WARNING = "01000"


class WarnedConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that knows whether the server has sent a warning."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.warned = False
        self.add_log_listener(_note)


def _note(connection: Any, message: Any) -> None:
    connection.warned = connection.warned or message.sqlstate == _WARNING


def forget_warnings(driver: object) -> None:
    """Reset: later warnings belong to the next statement."""
    if isinstance(driver, WarnedConnection):
        driver.warned = False


def was_warned(driver: object) -> bool:
    """Return whether the last statement brought a warning: for a COMMIT it can only be this one."""
    return isinstance(driver, WarnedConnection) and driver.warned
