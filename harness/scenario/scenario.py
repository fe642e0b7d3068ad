"""A scenario as the runner sees it, wherever it came from: a test function, or a schedule file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.checks.proof import Proof
from harness.faults.fault import Need
from harness.scenario.lab import Lab

if TYPE_CHECKING:
    from harness.engine.configuration import RunConfiguration
    from harness.engine.laying.testbed import Testbed
    from harness.results import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What to play, under which name, and what would make it fail. `theme`: the file it stands in."""

    id: str
    theme: str
    play: Callable[[Lab], Awaitable[None]]
    proofs: tuple[Proof, ...] = ()
    needs: tuple[Need, ...] = ()
    """What the machine or the stack must have for it, beyond what its faults need."""
    location: str = ""
    """`file:line`, for messages."""
    run: Callable[[RunConfiguration, Testbed], RunResult] | None = None
    """How it is run where that is not the runner's way: many runs that are judged as one."""
    source: str = ""
    """With `run`: what it plays, as text. Another text is another scenario, to be proved again."""
