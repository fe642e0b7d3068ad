"""The rig: a service that runs, with everything that drives it and records what it does."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field

from harness.engine.alerting import Alerting
from harness.engine.laying.preparing import Preparing
from harness.engine.laying.trying_starts import StartTrials
from harness.engine.observing.servers.sessions import Sessions
from harness.engine.workload.clients import Answer, Clients, Errand
from harness.faults.site import Site
from harness.history import Recorder
from harness.history.events import Purpose, RunBegan, ServiceStarted
from harness.stack.service.service import Copy
from harness.target import Delivery, Target

RETRY_EVERY_S = 0.05
"""How long to wait before sending a delivery again that the service must acknowledge in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """One service with its links, its clients, and the history that they write.

    A scenario, a replay, a cell of a sweep and an order of statements all act through a rig. A sweep has a history for
    each cell: `recording` returns the same rig with another history.
    """

    target: Target
    site: Site
    sessions: Sessions
    clients: Clients
    recorder: Recorder
    preparing: Preparing
    starts: StartTrials
    alerting: Alerting
    not_judged: set[str] = field(default_factory=set)
    """Rows that belong to no delivery of the run: variants of requests have left them behind."""

    @property
    def is_usual(self) -> bool:
        """Whether it is a run of the target's default profile with every protection on."""
        began = self.recorder.history.last(RunBegan)
        default = self.target.description.default_profile
        return began is not None and began.profile == default and not began.without

    @property
    def recovery_s(self) -> float:
        """The target's deadline for recovery, in seconds."""
        return self.target.description.limits.recovery_s

    def recording(self, recorder: Recorder) -> Rig:
        """Return the same rig, with a history that continues in `recorder`."""
        return dataclasses.replace(
            self, recorder=recorder, clients=dataclasses.replace(self.clients, recorder=recorder)
        )

    async def send(self, purpose: Purpose, delivery: Delivery | None = None) -> Answer:
        """Send a delivery for one of the harness's own purposes; a new one if none is given."""
        return await self.clients.send(delivery or self.clients.deliveries.next(), Errand(purpose=purpose))

    async def start(self) -> None:
        """Start the service and record that it is alive. Raises ServiceStartError."""
        service = self.site.service
        self._started(await service.start())

    async def start_if_gone(self) -> None:
        """Start the service unless it runs already; record a start. Raises ServiceStartError."""
        took_ms = await self.site.service.start_if_gone()
        if took_ms is not None:
            self._started(took_ms)

    async def start_copy(self) -> Copy:
        """Start another process of the service beside the first; record it. Raises ServiceStartError."""
        began_ns = time.monotonic_ns()
        copy = await self.site.service.start_copy()
        took_ms = (time.monotonic_ns() - began_ns) / 1e6
        self.recorder.record("service", ServiceStarted(copy.process.pid, copy.port, round(took_ms, 1)))
        return copy

    def _started(self, took_ms: float) -> None:
        service = self.site.service
        self.recorder.record("service", ServiceStarted(service.process.pid, service.port, round(took_ms, 1)))
