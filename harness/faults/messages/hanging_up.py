"""Makes clients hang up exactly at a message: the relay holds it until their sockets are closed.

A message does not say for which client's request the service sends it. So the relay holds each such message until as
many are held as requests are open: then every open request is at its message. All of their clients close their
connections, and only then do the messages pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

from harness.faults.background import Background
from harness.faults.clients.callers import Caller, Callers
from harness.faults.messages.relayed import misses
from harness.faults.site import Site
from harness.polling import poll
from harness.relay import Ended, Fired, Passed, Report, Rule
from harness.stack.tcp.sockets import kept_open
from harness.vocabulary import Value

NOTICED_WITHIN_S = 0.05
"""How long a held message waits for the service to close its end, too. A service that does not look at the connection
keeps it open."""
LOOK_EVERY_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The `number`th client that hung up. `fired`: a message that was held then.

    `noticed`: the service had closed its end, too, before the message passed.
    """

    number: int
    request: int
    port: int
    fired: Fired
    noticed: bool

    @property
    def told(self) -> str:
        """In words, for readers."""
        seen = "the service closed its end" if self.noticed else "the service kept its end open"
        return f"the client of request {self.request} (port {self.port}) hung up, and {seen}"


class HangingUp:
    """Holds the messages of a rule, and makes the site's clients hang up, from `begin` to `end`.

    `at`: the moment, for the history. `told`: called for each client that hung up. A rule that is not `always` holds
    one message: then all clients hang up whose requests are open.
    """

    def __init__(self, site: Site, rule: Rule, at: Value, told: Callable[[HungUp], None]) -> None:
        self._site = site
        self._callers: Callers = site.callers
        self._rule = rule
        self._at = at
        self._told = told
        self._held: dict[int, Fired] = {}
        self._changed = asyncio.Event()
        self._ending = False
        self._background = Background()
        self._leave: list[Callable[[], None]] = []
        self._most = (0, 0)
        self.count = 0
        """How many clients have hung up so far."""

    async def begin(self) -> None:
        """Arm the relay."""
        self._leave = [self._site.relay.on_report(self._heard), self._callers.on_end(self._changed.set)]
        self._background.begin(self._run())
        await self._site.relay.arm(self._rule)

    def _heard(self, report: Report) -> None:
        match report:
            case Fired(rule=self._rule.id):
                self._held[report.connection] = report
            case Passed(rule=self._rule.id) | Ended(hop=self._rule.hop):
                self._held.pop(report.connection, None)
            case _:
                return
        self._changed.set()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self._most = max(self._most, (len(self._held), len(self._callers.open)))
            while self._due:
                await self._strike(self._callers.open, list(self._held.values()))
            if self._ending:
                return

    @property
    def _due(self) -> bool:
        """Whether every open request is at its message. If no request is open, the held messages may pass."""
        return bool(self._held) and (not self._rule.always or len(self._held) >= len(self._callers.open))

    async def _strike(self, callers: Sequence[Caller], held: Sequence[Fired]) -> None:
        try:
            gone = [caller for caller in callers if await caller.hang_up(self._at)]
            noticed = await self._noticed([caller.port for caller in gone])
        finally:
            for fired in held:  # and not a message held since then: its client has not hung up
                await self._site.relay.release(self._rule.id, connection=fired.connection)
        for caller, fired in zip(gone, cycle(held), strict=False):
            self.count += 1
            self._told(
                HungUp(number=self.count, request=caller.request, port=caller.port, fired=fired, noticed=noticed)
            )

    async def _noticed(self, ports: Sequence[int]) -> bool:
        """Give the service a moment to see the close.

        It could read an answer that is released at once before the close.
        """
        port = self._site.service.port
        closed = await poll(lambda: not kept_open(port, ports), within_s=NOTICED_WITHIN_S, interval_s=LOOK_EVERY_S)
        return closed is not None

    async def instead(self) -> str:
        """What happened instead, if no client has hung up. After this call no client does."""
        await self._finish()
        if self.count:
            return ""
        held, requests = self._most
        seen = f"at most {held} such messages were held at once, with {requests} requests open"
        return f"0 of {self._callers.count} clients hung up; {seen if held else await misses(self._site, self._rule)}"

    async def _finish(self) -> None:
        """Wait until a hang-up that has begun is complete."""
        self._ending = True
        self._changed.set()
        await self._background.end(cancel=False)

    async def end(self) -> None:
        """Let everything pass. Idempotent. Raises the relay's error, if there was one."""
        await self._finish()
        await self._site.relay.disarm(self._rule.id)
        for leave in self._leave:
            leave()
        self._leave.clear()
        self._background.check()
