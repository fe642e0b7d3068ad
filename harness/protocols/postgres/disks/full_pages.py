"""A table whose pages accept no further row, so that each row needs a new page."""

from __future__ import annotations

from harness.faults.fault import Fault
from harness.faults.site import LaidLink, Site
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.running.leaked import execute_past_leaks

__all__ = ["FullPages"]

A_ROW_A_PAGE = 10
"""The lowest `fillfactor`: a page that is a tenth full accepts no further row."""


class FullPages:
    """Sets the table's `fillfactor` to that value, and back."""

    def __init__(self, fault: Fault, table: str, laid: LaidLink, site: Site) -> None:
        self._fault = fault
        self._table = table
        self._laid = laid
        self._site = site
        self._options: list[str] | None = None

    async def begin(self) -> None:
        """Make each row need its own page."""
        async with open_session(self._laid.admin_url) as admin:
            options = "SELECT reloptions FROM pg_class WHERE oid = $1::text::regclass"
            self._options = await admin.fetchval(options, self._table)
        await self._alter(f"SET (fillfactor = {A_ROW_A_PAGE})")

    async def end(self) -> None:
        """Restore the table's options."""
        await self._alter("RESET (fillfactor)")
        if self._options:
            await self._alter(f"SET ({', '.join(self._options)})")

    async def _alter(self, change: str) -> None:
        statement = f"ALTER TABLE {self._table} {change}"
        async with open_session(self._laid.admin_url) as admin:
            await execute_past_leaks(admin, statement, fault=self._fault, laid=self._laid, site=self._site)
