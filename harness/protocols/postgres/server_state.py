"""The fault of a crashed backend of PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Injection
from harness.faults.messages.timing import TimedFault
from harness.faults.site import ServerChange, Site
from harness.polling import poll_async
from harness.protocols.postgres.probes import serves
from harness.protocols.postgres.probes import session as open_session
from harness.protocols.postgres.terminated_sessions import see_ended, serving
from harness.protocols.postgres.words import Postgres
from harness.relay import Ended, Report
from harness.vocabulary import ANY_OUTCOME

BACK_WITHIN_S = 30.0
"""Far more than a recovery of the harness's small databases takes."""
SESSIONS_THROWN_OUT = EvidenceKind(
    "sessions_thrown_out", "relay", "the server ended sessions of the service, because one of its backends crashed"
)


@dataclass(frozen=True, repr=False)
class CrashBackend(TimedFault, kind="server.crash_backend"):
    """One of the service's backends is killed (SIGKILL): PostgreSQL ends every session, and recovers by itself.

    For example::

        await lab.inject(server.crash_backend(postgres))
        await lab.deliver(5)

    A crashed backend may have damaged the shared memory, so the postmaster ends all sessions (57P02) and recovers from
    its log, on the same port. During the recovery it answers 57P03 ("the database system is in recovery mode").

    Args:
        link: the link to the PostgreSQL server.
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "kill a backend of PostgreSQL"
    needs_own_server: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (SESSIONS_THROWN_OUT,)
    link: Postgres

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """Deliveries that come while it recovers may be refused."""
        return Example(cls(ground.link_as(Postgres)), deliveries=SOME, expect=ANY_OUTCOME, prepared=True)

    def injection(self, site: Site) -> Injection:
        """Kill the process that serves one of the service's sessions."""
        return _CrashBackend(self, site)


class _CrashBackend(Injection):
    def __init__(self, fault: CrashBackend, site: Site) -> None:
        self._laid = site.laid(fault.link)
        self._site = site
        self._change = ServerChange(self._laid.server, fault, may_end_it=False)
        self._ended: list[Ended] = []
        self._leave: Callable[[], None] = lambda: None

    def _heard(self, report: Report) -> None:
        if isinstance(report, Ended) and report.hop == self._laid.hop and report.by in ("server", "reset by server"):
            self._ended.append(report)

    async def act(self) -> None:
        async with open_session(self._laid.admin_url) as asking:
            backends = await serving(asking, self._laid.words["user"])
        if not backends:
            return  # `instead` says so
        self._site.server_changes.append(self._change)
        self._leave = self._site.relay.on_report(self._heard)
        backends[0].kill()
        await see_ended(backends, self._laid.server)
        await self._site.relay.sync()

    async def fired(self) -> int:
        return len(self._ended)

    async def instead(self) -> str:
        return "" if self._ended else "the service had no session that could crash"

    async def heal(self) -> None:
        """Wait until the server has recovered; record the sessions that it ended, once."""
        if self._change not in self._site.server_changes or self._change.mended:
            return
        if not await poll_async(self._serves, within_s=BACK_WITHIN_S):
            raise HarnessError(f"{self._laid.server} has not recovered {BACK_WITHIN_S:g} s after a backend's crash")
        self._change.mended = True
        await self._site.relay.sync()
        self._leave()
        if self._ended:
            ports = ", ".join(str(each.service_port) for each in self._ended)
            self._site.saw(SESSIONS_THROWN_OUT, f"{len(self._ended)} sessions of the service (ports {ports})")

    async def _serves(self) -> bool:
        return await serves(self._laid.admin_url)


crash_backend = CrashBackend

__all__ = ["crash_backend"]
