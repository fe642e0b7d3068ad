"""Tells mistakes in a scenario from failures of the service or the harness, and finds the line of the mistake."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import TracebackType

from harness.engine.stops import MachineLacksError, ScenarioStop
from harness.errors import HarnessError, UsageError
from harness.results.places import shown
from harness.scenario.doing import StepMisuseError
from harness.scenario.lab import Lab

Play = Callable[[Lab], Awaitable[None]]
HARNESS = Path(__file__).parents[1]
LIBRARIES = tuple({Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def blamed(play: Play) -> Play:
    """Run the scenario's code, and record a wrong step, a wrong fault or broken Python as the scenario's own mistake.

    A mistake ends the scenario and makes its run inconclusive, with `file:line`. A failed assertion is not a mistake:
    it is a statement about the service.
    """

    async def played(lab: Lab) -> None:
        try:
            await play(lab)
            lab.check_all_used()
        except (AssertionError, ScenarioStop, MachineLacksError):
            raise
        except Exception as problem:
            if not isinstance(problem, (UsageError, StepMisuseError)) and not _is_its_own(problem):
                raise
            lab.blame(_told(problem))
            raise ScenarioStop from problem

    return played


def _is_its_own(problem: Exception) -> bool:
    """Return whether the scenario's own line raised the error: a misspelt name, or an argument that no verb accepts."""
    frames = list(traceback.walk_tb(problem.__traceback__))
    return bool(frames) and _of_an_author(frames[-1][0].f_code.co_filename)


def _told(problem: Exception) -> str:
    place = problem.place if isinstance(problem, StepMisuseError) and problem.place else _place(problem.__traceback__)
    if isinstance(problem, HarnessError):
        said = "; mend: ".join(text for text in (problem.message, problem.hint) if text)
    else:
        said = f"{type(problem).__name__}: {problem}"
    return f"{place}: {said}" if place else said


def _place(trace: TracebackType | None) -> str:
    """Return the scenario's line: the innermost one that belongs neither to the harness nor to a library."""
    places = [f"{shown(name)}:{line}" for name, line in _lines(trace) if _of_an_author(name)]
    return places[-1] if places else ""


def _lines(trace: TracebackType | None) -> Iterator[tuple[str, int]]:
    for frame, line in traceback.walk_tb(trace):
        yield frame.f_code.co_filename, line


def _of_an_author(file: str) -> bool:
    path = Path(file)
    return path.is_absolute() and not any(path.is_relative_to(folder) for folder in (HARNESS, *LIBRARIES))


__all__ = ["Play", "blamed"]
