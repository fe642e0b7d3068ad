"""A scenario of the standard suite as data: its id, its purpose, and its steps."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from harness.engine.steps import Inject
from harness.faults import Fault
from harness.faults.fault import Need, own
from harness.results.places import Location
from harness.scenario.blaming import blamed
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.scenario.schedule import Begin, Do, Move, Schedule
from harness.target import Target
from harness.vocabulary import Link

PREFIX = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """`id`: without `test_`. `link`: the name of the broken link. `nightly`: why it does not run on every push."""

    id: str
    link: str
    about: str
    moves: tuple[Move, ...]
    nightly: str = ""
    fails: str = ""
    """Why it fails in any case: an earlier observation of the service."""

    @property
    def faults(self) -> Iterator[Fault]:
        """Every fault that it injects."""
        for move in self.moves:
            if isinstance(move, Do | Begin) and isinstance(move.step, Inject):
                yield from move.step.faults

    def needs(self, target: Target) -> tuple[Need, ...]:
        """What the machine and the stack must have for its faults."""
        found = {need for fault in self.faults for need in fault.needs}
        links = target.description.links
        for fault in self.faults:
            link = getattr(fault, "link", None)
            if fault.needs_own_server and isinstance(link, Link):
                found.add(own(links[link.name].server_name))
        return tuple(sorted(found))

    def scenario(self, target: Target) -> Scenario:
        """The scenario that performs its steps."""

        async def play(lab: Lab) -> None:
            await lab.replay(self.moves)
            if self.fails:
                raise AssertionError(self.fails)

        return Scenario(
            id=self.id,
            theme=f"{PREFIX}_{self.link}",
            play=blamed(play),
            needs=self.needs(target),
            nightly=self.nightly,
            location=Location(str(target.path)),
            source=json.dumps(self.schedule.to_json()),
            readable=self._readable,
        )

    @property
    def _readable(self) -> str:
        body = textwrap.indent(self.schedule.to_python(), "    ")
        body += f"\n    raise AssertionError({self.fails!r})" if self.fails else ""
        return f'async def test_{self.id}(lab: Lab) -> None:\n    """{self.about}"""\n{body}'

    @property
    def schedule(self) -> Schedule:
        """Its steps, as they can be printed."""
        return Schedule(id=self.id, profile="", without=(), seed=0, partial=False, moves=self.moves)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What does not apply to this service or this machine, and why."""

    what: str
    why: str
