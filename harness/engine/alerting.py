"""Runs a Prometheus that watches the service with production's rules, only faster, and records its alerts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.capability import PROMETHEUS
from harness.engine.laying.testbed import Testbed
from harness.engine.steps import Alerts
from harness.errors import HarnessError, UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import AlertChanged, AlertsLeft, AlertsWatched
from harness.polling import poll_async
from harness.stack.prometheus import (
    AlertState,
    Prometheus,
    PrometheusConfiguration,
    RuleSeen,
    faster_rules,
    find_prometheus,
    prometheus_available,
)
from harness.target.sections.alerts import AlertsDescription

WATCHED: Final = EvidenceKind(
    "alerts_watched", PROMETHEUS, "a Prometheus read the service's metrics and followed the rules", felt=False
)
ASKED_EVERY_S: Final = 0.05
OVER_WITHIN_S: Final = 30.0
"""How long to wait until every alert has ended, once the block is over."""
FOLDER_PREFIX: Final = "prometheus-"


@dataclass(frozen=True, slots=True)
class Alerting:
    """What a run needs to watch its service. `log`: the service's own log; Prometheus' log is written beside it."""

    bed: Testbed
    recorder: Recorder
    log: Path

    def begin(self, step: Alerts, site: Site) -> WatchedAlerts:
        """Return a watcher for the time of the step. Raises UsageError if the target describes no alerts."""
        description = self.bed.target.description
        if description.alerts is None or description.probes is None:
            mend = "describe the rules in [alerts], and the metrics in [probes]"
            raise UsageError.at("lab", "step", step.kind, "the target has no alerts", mend=mend)
        return WatchedAlerts(step, self, description.alerts, description.probes.metrics, site)


class WatchedAlerts(Injection):
    """A Prometheus that watches the service. When healed, it waits for every alert to end, up to a limit, and stops."""

    def __init__(self, step: Alerts, alerting: Alerting, described: AlertsDescription, path: str, site: Site) -> None:
        self._step = step
        self._bed = alerting.bed
        self._recorder = alerting.recorder
        self._log = alerting.log.with_suffix(".prometheus.log")
        self._described = described
        self._path = path
        self._site = site
        self._owned = AsyncExitStack()
        self._states: dict[str, AlertState] = {}
        self._looks = 0
        self._prometheus: Prometheus | None = None
        self._looking: asyncio.Task[None] | None = None

    async def act(self) -> None:
        """Start it, and keep looking at its alerts.

        Raises UsageError for rules that cannot be read, and for an alert that they do not have; HarnessError if
        Prometheus refuses them.
        """
        configuration = self._configuration()
        folder = self._bed.folder / f"{FOLDER_PREFIX}{self._site.service.port}-{time.monotonic_ns()}"
        self._prometheus = await self._owned.enter_async_context(
            Prometheus.running(self._bed.stack.keeper, configuration, folder)
        )
        rules = await self._prometheus.rules()
        known = [rule.name for rule in rules]
        for name in self._step.fires:
            if name not in known:
                raise UsageError.at("lab.alerts", "fires", name, "the rules have no such alert", valid=known)
        waits = tuple(dict.fromkeys(rule.name for rule in rules if rule.for_s > 0))
        self._recorder.record("prometheus", AlertsWatched(self._step.fires, waits))
        self._looking = asyncio.create_task(self._look_on())

    def _configuration(self) -> PrometheusConfiguration:
        program = find_prometheus()
        if program is None:  # it was there when the need was checked, and has gone since
            raise HarnessError(prometheus_available().detail, hint=prometheus_available().mend)
        file = self._bed.target.path.parent / self._described.rules
        self._log.write_bytes(b"")
        return PrometheusConfiguration(
            program=program,
            rules=faster_rules(file, self._described.faster),
            job=self._described.job,
            port=self._site.service.port,
            path=self._path,
            scrape_ms=self._described.scrape_interval_s * 1e3 / self._described.faster,
            log=self._log,
        )

    async def _look_on(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(ASKED_EVERY_S)  # it says nothing by itself

    async def _look(self) -> None:
        if self._prometheus is None:
            return
        now = _by_name(await self._prometheus.rules())
        self._looks += 1
        for name, state in now.items():
            if state is not self._states.get(name, AlertState.INACTIVE):
                self._recorder.record("prometheus", AlertChanged(name, state.value))
        self._states = now

    async def fired(self) -> int:
        """How often its alerts were looked at."""
        return self._looks

    async def heal(self) -> None:
        """Wait until every alert has ended; then stop it."""
        try:
            if self._looking is not None:
                await self._wait_until_over(self._looking)
        finally:
            self._looking = None
            await self._owned.aclose()

    async def _wait_until_over(self, looking: asyncio.Task[None]) -> None:
        began = time.monotonic()

        async def over() -> bool:
            return looking.done() or not self._open

        try:
            await poll_async(over, within_s=OVER_WITHIN_S, interval_s=ASKED_EVERY_S)
        finally:
            looking.cancel()
            await asyncio.wait([looking])
        if not looking.cancelled():
            looking.result()  # Prometheus does not answer any more
        self._site.saw(WATCHED, f"its {len(self._states)} alerts were looked at {self._looks} times")
        self._recorder.record("prometheus", AlertsLeft(self._open, round(time.monotonic() - began, 1)))

    @property
    def _open(self) -> tuple[str, ...]:
        return tuple(name for name, state in self._states.items() if state is not AlertState.INACTIVE)


def _by_name(rules: Sequence[RuleSeen]) -> dict[str, AlertState]:
    """The state of each name. If several rules share a name, the worst state counts."""
    worst = list(AlertState)
    found: dict[str, AlertState] = {}
    for rule in rules:
        found[rule.name] = max(found.get(rule.name, AlertState.INACTIVE), rule.state, key=worst.index)
    return found
