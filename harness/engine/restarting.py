"""A start of the service with other settings, or one that must end: a fault, with evidence like any other."""

from __future__ import annotations

from typing import Final

from harness.engine.rig import Rig
from harness.engine.steps import Restart
from harness.faults.evidence import EvidenceKind
from harness.faults.fault import Injection
from harness.faults.site import Site
from harness.history.events import StartEnded
from harness.stack.service.service import NO_SETTINGS
from harness.target.placeholders import SERVICE_PORT, fill_in
from harness.vocabulary import ENDS

STARTED: Final = EvidenceKind("started_otherwise", "keeper", "the service was started with other settings")
ENDED: Final = EvidenceKind("start_ended", "keeper", "the start that had to end has ended")


class OtherStart(Injection):
    """Stops the service and starts it as the step says. Healing restarts it with its usual settings."""

    starts_anew = True

    def __init__(self, step: Restart, rig: Rig, site: Site) -> None:
        self._step = step
        self._rig = rig
        self._site = site
        self._acted = False
        self._hushed = False

    async def act(self) -> None:
        """Restart it. Raises ServiceStartError if it had to be alive and is not."""
        service = self._site.service
        words = {**self._site.words, SERVICE_PORT: str(service.port)}
        await service.stop()
        self._acted = True
        service.settings = {name: fill_in(text, words) for name, text in self._step.environment.items()}
        if self._step.expect is ENDS:
            await self._start_to_end()
        else:
            try:
                await self._rig.start()
            finally:  # it was started, even if it does not come up
                self._site.saw(STARTED, f"pid {service.process.pid} was started with {', '.join(service.settings)}")

    async def _start_to_end(self) -> None:
        # There is no service to ask until it is started again.
        self._hushed = True
        await self._site.asking.hush()
        end = await self._site.service.start_to_end()
        event = StartEnded(
            end.pid, end.status, round(end.took_ms, 1), end.listened, end.said, self._step.says, self._step.hides,
            tuple(self._rig.target.description.service.ends_with),
        )  # fmt: skip
        self._rig.recorder.record("service", event)
        # A check judges whether it should have ended. Here it only matters that it was tried.
        ended = "did not end by itself" if end.status is None else f"ended with status {end.status}"
        self._site.saw(ENDED, f"pid {end.pid} {ended}")

    def give_way(self) -> None:
        """Another start follows at once: do not restart it in between."""
        self._acted = self.starts_anew = False

    async def heal(self) -> None:
        """Restart it with its usual settings, unless another start follows at once."""
        service = self._site.service
        service.settings = NO_SETTINGS
        acted, self._acted = self._acted, False
        try:
            if acted:
                await service.stop()
                await self._rig.start()
        finally:
            if self._hushed:
                self._site.asking.allow()
            self._hushed = False
