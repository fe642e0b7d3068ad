"""A scenario as the runner sees it, whether it comes from a test function or a schedule file."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.checks.proof import Proof
from harness.faults.fault import Need
from harness.results.places import NOWHERE, Location
from harness.scenario.lab import Lab

if TYPE_CHECKING:
    from harness.engine.configuration import RunConfiguration
    from harness.engine.laying.testbed import Testbed
    from harness.results import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario to run: its name, its steps, and what makes it fail. `theme`: the file that contains it."""

    id: str
    theme: str
    play: Callable[[Lab], Awaitable[None]]
    proofs: tuple[Proof, ...] = ()
    needs: tuple[Need, ...] = ()
    """What the machine or the stack must have for the scenario, in addition to what its faults need."""
    nightly: str = ""
    """Why only a nightly run has it; empty for a scenario of every gate."""
    location: Location = NOWHERE
    """Where the scenario is defined, for messages."""
    run: Callable[[RunConfiguration, Testbed], RunResult] | None = None
    """Set for a scenario that the usual runner does not run: it consists of many runs that are judged as one."""
    function: Callable[..., object] | None = None
    """The scenario's test function; None if no test function wrote it."""
    source: str = ""
    """The scenario's content as text, if no file of the suite contains it. When it changes, the scenario counts as
    changed."""
    readable: str = ""
    """The scenario as a function, for readers, if no test function wrote it."""

    @property
    def name(self) -> str:
        """Its id without its parameters."""
        return self.id.partition("[")[0]

    @property
    def written_as(self) -> str:
        """The name of its function (several scenarios if it has parameters); its id if it has no function."""
        return self.id if self.function is None else self.function.__name__.removeprefix("test_")

    def text(self) -> str:
        """Its source with its docstring, for readers, from its current file; empty if there is none."""
        if self.function is None:
            return self.readable
        try:
            return textwrap.dedent(inspect.getsource(self.function))
        except (OSError, TypeError):  # the file was removed, or the function is not from a file
            return ""
