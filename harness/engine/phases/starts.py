"""Checks what a start of the service still holds before another start replaces it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import chain

from harness.engine.phases.rest import AtFirst, earlier_now, held_at_first
from harness.engine.rig import Rig
from harness.errors import HarnessError
from harness.faults.fault import Fault
from harness.history.events import AtRest, FaultActed, RestUnknown
from harness.polling import poll_async
from harness.vocabulary import Value

PROCESS = "what the service's process holds"
STILL_SENT = "requests are under way"


class EarlierStarts:
    """Looks at the running process before another start of the service replaces it.

    The usual process is checked at rest, after recovery. One with other settings, or with a wrong URL, has
    ended by then.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._usual: AtFirst | None = None
        self._as_it_began: AtFirst | None = None
        self.sending = 0
        """How many steps are sending requests: while there are any, the service does not come to rest."""

    def judged_by(self, usual: AtFirst) -> None:
        """Also compare with the usual process in steady state."""
        self._usual = usual

    async def began(self) -> None:
        """Look at what a process holds that has just started."""
        try:
            self._as_it_began = await held_at_first(self._rig.target, self._rig.site.service)
        except HarnessError:  # its metrics cannot be read, and the look at its end says so
            self._as_it_began = None

    async def before_another(self, in_force: Sequence[Value] = ()) -> None:
        """Wait until the running process holds nothing, up to the target's deadline. Record what it holds then.

        `in_force`: faults that stay in force. With such a fault, or while requests are open, the service does not come
        to rest: then that is recorded.
        """
        rig = self._rig
        if not rig.site.service.running or rig.recorder.history.last(FaultActed) is None:
            return  # nothing has been done to it
        reason = self._no_rest(in_force)
        asking = rig.site.asking
        await asking.hush()
        try:
            found = [_unknown(reason)] if reason else await self._wait()
        except self._errors() as problem:  # the server, or this start, cannot be asked
            found = [_unknown(repr(problem))]
        finally:
            asking.allow()
        for rest in found:
            rig.recorder.record("runner", dataclasses.replace(rest, earlier=True))

    def _no_rest(self, in_force: Sequence[Value]) -> str:
        if self.sending:
            return STILL_SENT
        others = [fault for fault in in_force if not isinstance(fault, Fault) or fault.leaves_evidence]
        return f"{others[-1]!r} is in force" if others else ""

    def _errors(self) -> tuple[type[Exception], ...]:
        probes = [self._rig.sessions.of(laid.link) for laid in self._rig.site.own_links]
        return (HarnessError, OSError, *chain.from_iterable(probe.errors for probe in probes))

    async def _wait(self) -> Sequence[AtRest | RestUnknown]:
        firsts = [first for first in (self._usual, self._as_it_began) if first is not None]
        last: Sequence[AtRest | RestUnknown] = ()

        async def at_rest() -> bool:
            nonlocal last
            last = await earlier_now(self._rig, firsts)
            return all(rest.seen <= rest.at_most for rest in last if isinstance(rest, AtRest))

        await poll_async(at_rest, within_s=self._rig.recovery_s)
        return last


def _unknown(problem: str) -> RestUnknown:
    return RestUnknown(PROCESS, "", problem)
