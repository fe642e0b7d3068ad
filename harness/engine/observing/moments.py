"""Checks whether a moment has come."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.engine.observing.servers.relayed import a_whole_statement, found_among
from harness.engine.observing.servers.sessions import Sessions
from harness.engine.observing.service.probes import Probed
from harness.errors import UsageError
from harness.faults.fault import FaultFired, Injection
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import AlertChanged, Purpose, RequestEnded, RequestSent
from harness.protocols.contract.probes import MomentState, Probe
from harness.vocabulary import (
    AlertFires,
    Answered,
    Answers,
    Idle,
    Link,
    Message,
    MetricIs,
    Moment,
    Sent,
    ServerLogged,
    ServiceLogged,
)

SHOWN = 160
L = TypeVar("L", MomentState, MomentState | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The position from which events count, set by the last `inject` or `heal`: entries, bytes, CLOCK_MONOTONIC."""

    entries: int
    t_ns: int
    service_log: int
    server_logs: dict[str, int]


class Observer:
    """Checks servers, logs and the history for the moments that a scenario waits for."""

    def __init__(
        self,
        site: Site,
        sessions: Sessions,
        recorder: Recorder,
        injections: Callable[[FaultFired], Injection | None],
        probed: Callable[[], Awaitable[Probed | None]] | None,
    ) -> None:
        self._site = site
        self._sessions = sessions
        self._recorder = recorder
        self._injection = injections
        self._probed = probed
        self._ours: set[int] = set()
        """The scenario's own requests that were already looked at."""
        self._looked_at = 0
        self._marks = self.marks()

    def marks(self) -> Marks:
        """Return the current position in each log, history and connection."""
        logs = {name: laid.log.size() for name, laid in self._site.links.items() if laid.log}
        return Marks(
            entries=self._recorder.mark(), t_ns=time.monotonic_ns(),
            service_log=self._site.service.log.size(), server_logs=logs,
        )  # fmt: skip

    def mark(self) -> None:
        """Count events from now on."""
        self._marks = self.marks()

    async def look(self, moment: Moment, since: Marks | None = None) -> MomentState:
        """Check once. Events count since those marks, or by default since the last `mark`.

        If a server cannot be asked because a fault has taken it away, the moment has not come.

        Raises UsageError for a moment that this stack cannot observe.
        """
        looks: dict[type[Moment], Callable[..., Awaitable[MomentState]]] = {
            AlertFires: self._alert_fires,
            Answered: self._message,
            Answers: self._answers,
            FaultFired: self._fired,
            Idle: self._idle,
            MetricIs: self._metric_is,
            Sent: self._message,
            ServerLogged: self._server_logged,
            ServiceLogged: self._service_logged,
        }
        if type(moment) not in looks:
            seen = await self._protocols_own(moment)
            if seen is not None:
                return seen
            raise UsageError.at(
                "until", "moment", moment, "this stack cannot observe it", valid=[kind.kind for kind in looks]
            )
        return await looks[type(moment)](moment, since or self._marks)

    async def _protocols_own(self, moment: Moment) -> MomentState | None:
        link = getattr(moment, "link", None)
        if not isinstance(link, Link):
            return None
        return await self._asked(link, lambda probe: probe.look(moment))

    async def _asked(self, link: Link, look: Callable[[Probe], Awaitable[L]]) -> L | MomentState:
        probe = self._sessions.of(link)
        try:
            return await look(probe)
        except probe.errors as problem:
            change = self._site.upset(link)
            if change is None:
                raise
            return MomentState(
                False, f"{change.server} could not be reached while {change.fault!r} was in force: {problem}"
            )

    async def _message(self, moment: Message, since: Marks) -> MomentState:
        a_whole_statement(moment)
        seen = await self._site.relay.seen(self._site.laid(moment.link).hop, since.t_ns)
        return MomentState(*found_among(moment, seen))

    async def _answers(self, moment: Answers, since: Marks) -> MomentState:
        history = self._recorder.history
        sent = history.of(RequestSent, since=self._looked_at)  # not all of them a hundred times a second
        self._ours.update(each.request for each in sent if each.purpose == Purpose.SCENARIO)
        self._looked_at = len(history.entries)
        ends = [end for end in history.of(RequestEnded, since=since.entries) if end.request in self._ours]
        count = sum(1 for end in ends if end.outcome in moment.outcome)
        others = {str(end.outcome): end for end in ends if end.outcome not in moment.outcome}
        instead = "".join(f"; also {word}: {end.problem or end.answer[:SHOWN]}" for word, end in others.items())
        return MomentState(count >= moment.at_least, f"{count} answers {moment.outcome}{instead}")

    async def _alert_fires(self, moment: AlertFires, _: Marks) -> MomentState:
        """Whether it fires now, by its last record."""
        states = [event.state for event in self._recorder.history.of(AlertChanged) if event.name == moment.name]
        now = states[-1] if states else "inactive"
        return MomentState(now == "firing", f"{moment.name} is {now}")

    async def _fired(self, moment: FaultFired, _: Marks) -> MomentState:
        injection = self._injection(moment)
        if injection is None:
            return MomentState(False, f"{moment.fault!r} is not in force")
        times = await injection.fired()
        return MomentState(times >= moment.times, f"{moment.fault!r} took effect {times} times")

    async def _idle(self, moment: Idle, _: Marks) -> MomentState:
        async def look(probe: Probe) -> MomentState:
            count = await probe.idle()
            return MomentState(
                count >= moment.at_least, f"{count} idle connections to {moment.link}, by the server's count"
            )

        return await self._asked(moment.link, look)

    async def _metric_is(self, moment: MetricIs, _: Marks) -> MomentState:
        probed = None if self._probed is None else await self._probed()
        if probed is None:
            return MomentState(
                False, "no metrics were shown: none are described ([probes] of the target), or the service ended"
            )
        if not probed.is_shown:
            return MomentState(False, f"the metrics were answered with status {probed.status}")
        value = probed.get(moment.name, dict(moment.metric.pairs()))
        return MomentState(moment.within(value), f"{moment.name} is {value:g}")

    async def _server_logged(self, moment: ServerLogged, since: Marks) -> MomentState:
        laid = self._site.laid(moment.link)
        if laid.log is None:
            raise UsageError.at(
                "until", "moment", moment, "the server was given by URL, so the harness cannot read its log"
            )
        return _found(moment.pattern, laid.log.read(since.server_logs[moment.link.name]))

    async def _service_logged(self, moment: ServiceLogged, since: Marks) -> MomentState:
        return _found(moment.pattern, self._site.service.log.read(since.service_log))


def _found(pattern: str, text: str) -> MomentState:
    for line in text.splitlines():
        if re.search(pattern, line):
            return MomentState(True, line[:SHOWN])
    last = text.splitlines()[-1:] or ["nothing"]
    return MomentState(False, f"no line with {pattern!r}; the last was: {last[0][:SHOWN]}")
