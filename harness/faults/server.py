"""The servers themselves: what another session does to them.

`execute` is for every server. What is done to the servers of one protocol only is in that protocol's own `faults`, and
scenarios find it here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.site import Site
from harness.faults.timing import TimedFault
from harness.protocols.contract.probes import NotUnderstoodError, Said
from harness.vocabulary import Link

if TYPE_CHECKING:
    # By star, so that a new fault is named in its own file only; `__all__` there says which names these are.
    from harness.protocols.postgres.faults import *  # noqa: F403  # as above
    from harness.protocols.redis.faults import *  # noqa: F403  # as above
else:

    def __getattr__(name: str) -> object:
        """Return the fault of kind `server.NAME`, whichever protocol has it."""
        try:
            return Fault.kinds()[f"server.{name}"]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


EXECUTED = EvidenceKind("executed", "server", "the server says that it carried the text out")


@dataclass(frozen=True, repr=False)
class Execute(TimedFault, kind="server.execute"):
    """SQL or a Redis command by another session, once: what no named fault covers.

    Evidence is what the server says of it: PostgreSQL's command tag, Redis's reply. A tag that counts
    no row (`UPDATE 0`) is none, nor is one that concerns the harness's own session alone (`SET`). A
    `SELECT` counts where it gave a row: it may have called a function, such as pg_terminate_backend,
    and nobody tells that from a mere read. A reply of Redis counts unless it is 0, false, empty,
    -1 or -2: `EXPIRE` of no such key is none, nor is `TTL` of it.

    What it changes may outlive the run (`CONFIG SET`, `REPLICAOF`, `ALTER SYSTEM`): the next scenario
    gets new servers, where they are the harness's own. On a server that was given by URL nobody puts
    it right. `undo` is run at heal, in the same way: needed where the run itself cannot end otherwise,
    as `REPLICAOF NO ONE` after `REPLICAOF 127.0.0.1 1`, for a replica has no keys to be cleared.
    Several faults are healed in reverse.

    Raises UsageError, which makes the run inconclusive, where the server does not understand the text.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (EXECUTED,)
    link: Link
    text: str = field()
    undo: str = field(default="", kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example | None:
        """It strikes and is over: what comes next is acknowledged. None for a server that executes no text."""
        if not ground.harmless:
            return None
        return Example(cls(ground.link, ground.harmless), met="after", deliveries=SOME)

    def effect(self) -> str:
        """What it does."""
        return f"have another session on {self.link} do: {self.text}"

    @property
    def lasting(self) -> bool:
        """Whether there is nothing that undoes it."""
        return not self.undo

    def injection(self, site: Site) -> Injection:
        """Run it, past the proxy."""
        return _Execute(self, site)


class _Execute(Injection):
    def __init__(self, fault: Execute, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._done = 0
        self._said = ""
        self._undo_owed = False

    async def act(self) -> None:
        self._site.server_changes.append(repr(self._fault))  # before: what breaks halfway has changed something, too
        self._undo_owed = bool(self._fault.undo)
        said = await self._run(self._fault.text, "text")
        self._said = said.text
        if said.effective:
            self._done = 1
            self._site.saw(EXECUTED, f"{self._fault.text}: {self._said}")

    async def _run(self, text: str, key: str) -> Said:
        try:
            return await self._site.laid(self._fault.link).own.execute(text)
        except NotUnderstoodError as problem:
            mend = "write what this server understands"
            raise UsageError.at("server.execute", key, text, str(problem), mend=mend) from problem

    async def instead(self) -> str:
        return "" if self._done else f"the server said {self._said!r}" if self._said else ""

    async def fired(self) -> int:
        return self._done

    async def heal(self) -> None:
        """Run `undo`, once. Without one, what was done is done."""
        if self._undo_owed:
            self._undo_owed = False
            await self._run(self._fault.undo, "undo")


execute = Execute
