"""The fault of a migration that runs beside the service, in its database and with its rights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.link import cut
from harness.faults.messages.timing import TimedFault
from harness.faults.site import Site
from harness.protocols.contract.probes import NotUnderstoodError
from harness.protocols.postgres.storage import execute_at
from harness.protocols.postgres.words import Postgres

__all__ = ["migrate"]

MIGRATED = EvidenceKind("migrated", "PostgreSQL", "the server says that it carried the statements out", felt=False)


@dataclass(frozen=True, repr=False)
class Migrate(TimedFault, kind="server.migrate"):
    """Statements are executed in the service's own database, with the service's own rights, like a migration.

    For example::

        await lab.deliver()
        await lab.inject(server.migrate(postgres, "ALTER TABLE deliveries ALTER sha256 TYPE varchar(64)"))
        await lab.deliver()

    So it changes only what belongs to this service and is removed after the run: its tables, and, by `ALTER ROLE
    CURRENT_USER SET ...`, the settings of its new sessions. Use `server.execute` for what needs a superuser. While the
    statement waits for a lock, `postgres.waiting("ALTER TABLE")` sees it, and later statements wait behind it. It waits
    without a limit, so let the scenario end what it waits for.

    The evidence is PostgreSQL's command tag, as with `server.execute`. It proves only that the text was carried out:
    the run is inconclusive unless the service felt something.

    Args:
        link: the link to the PostgreSQL server.
        text: the SQL. Several statements are one transaction.
        undo: executed in the same way when the fault is healed; "" for nothing.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.

    Raises:
        UsageError: when it acts, if the server does not understand the text, or reports an error halfway.
    """

    does: ClassVar[str] = "migrate the service's database: {fault.text}"
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (MIGRATED,)
    link: Postgres
    text: str = field()
    undo: str = field(default="", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """One more column does no harm. The connections are also cut, so that the service feels something."""
        link = ground.link_as(Postgres)
        text = f"ALTER TABLE {ground.table} ADD added_text text"
        return Example(cls(link, text), beside=(cut(link),), met="after", deliveries=SOME)

    def injection(self, site: Site) -> Injection:
        """Execute it on the server, without the proxy."""
        return _Migrate(self, site)


class _Migrate(Injection):
    def __init__(self, fault: Migrate, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._done = 0
        self._undo_owed = False

    async def act(self) -> None:
        self._undo_owed = bool(self._fault.undo)
        try:
            said, effective = await self._execute(self._fault.text, "text")
        except UsageError:
            self._undo_owed = False  # the server refused it, whole
            raise
        if effective:
            self._done = 1
            self._site.saw(MIGRATED, f"{self._fault.text}: {said}", server=self._laid)

    async def _execute(self, text: str, key: str) -> tuple[str, bool]:
        url = self._laid.own.words(self._laid.upstream, tls=False)["url"]
        try:
            said = await execute_at(url, text)
        except NotUnderstoodError as problem:
            mend = "write what the service's own role may do, or use server.execute"
            raise UsageError.at("server.migrate", key, text, str(problem), mend=mend) from problem
        return said.text, said.effective

    async def fired(self) -> int:
        return self._done

    async def heal(self) -> None:
        """Execute `undo`, once."""
        if self._undo_owed:
            self._undo_owed = False
            await self._execute(self._fault.undo, "undo")


migrate = Migrate
