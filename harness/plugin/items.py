"""Makes a scenario of a test that pytest has collected."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.plugin.fixture import LAB
from harness.plugin.ids import LONGEST_ID, unfit_characters
from harness.plugin.proofs import WRITE_PROVES, check_needs, check_nightly, check_proof
from harness.results.places import Location
from harness.scenario.blaming import blamed
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.target import TargetDescription

FORBIDDEN_MARKS = ("skip", "skipif", "xfail", "flaky", "rerun", "usefixtures", "asyncio", "anyio")


def scenario_of(item: pytest.Function, target: TargetDescription) -> Scenario:
    """Read a scenario.

    Raises:
        UsageError: it is wrong; with the place, the key, the value and what to write instead.
    """
    location = _location(item)
    place = f"{location}: {item.name}"
    _check_function(item, place)
    name = item.name.removeprefix("test_")
    _check_id(name, place)
    proofs = tuple(
        check_proof(proof, target, place)
        for mark in item.iter_markers("proves")
        for proof in (mark.args if len(mark.args) == 1 and not mark.kwargs else (f"{mark.args} {mark.kwargs}",))
    )
    if not proofs and target.protections:  # without protections a scenario cannot prove any
        raise UsageError.at(place, "proves", None, "a scenario must say what makes it fail", mend=WRITE_PROVES)
    needs = [need for mark in item.iter_markers("needs") for need in mark.args]
    return Scenario(
        id=name,
        theme=item.path.stem.removeprefix("test_"),
        play=_play(item),
        proofs=proofs,
        needs=check_needs(needs, target, place),
        nightly=check_nightly([(mark.args, mark.kwargs) for mark in item.iter_markers("nightly")], place),
        location=location,
        function=inspect.unwrap(item.function),
    )


def first_line(item: pytest.Function) -> int:
    """Return the line at which its function begins: its first decorator or its `def`."""
    return int(inspect.unwrap(item.function).__code__.co_firstlineno)


def _location(item: pytest.Function) -> Location:
    path, line, _ = item.reportinfo()
    shown = Path(path)
    root = item.config.rootpath
    return Location(str(shown.relative_to(root) if shown.is_relative_to(root) else shown), (line or 0) + 1)


def _parameters(item: pytest.Function) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return dict(callspec.params) if callspec else {}


def _play(item: pytest.Function) -> Callable[[Lab], Awaitable[None]]:
    function, parameters = item.obj, _parameters(item)

    async def play(lab: Lab) -> None:
        await function(**{LAB: lab}, **parameters)

    return blamed(play)


def _check_function(item: pytest.Function, place: str) -> None:
    if not inspect.iscoroutinefunction(inspect.unwrap(item.function)):
        raise UsageError.at(place, LAB, item.originalname, "takes a lab, and is not async", mend="write async def")
    for name in FORBIDDEN_MARKS:
        if item.get_closest_marker(name) is not None:
            raise UsageError.at(
                place, "mark", name, "a scenario cannot be skipped, excused, retried or prepared by marks",
                mend="remove the mark; use harness.needs for what a machine may lack",
            )  # fmt: skip
    fixtures = list(_fixtures(item))
    if fixtures:
        raise UsageError.at(
            place, "fixture", fixtures[0], "a scenario takes the lab and its parameters: it must run without pytest",
            mend="use pytest.mark.parametrize, or a step of the lab",
        )  # fmt: skip


def _fixtures(item: pytest.Function) -> Iterator[str]:
    """Yield the fixtures that the function asks for, and the autouse fixtures of its own folder or file."""
    info = item._fixtureinfo  # noqa: SLF001  # as above
    direct = {LAB, "request", *_parameters(item)}
    yield from (name for name in info.argnames if name not in direct)
    for name, definitions in info.name2fixturedefs.items():
        if name not in direct and definitions[-1].baseid:
            yield name


def _check_id(name: str, place: str) -> None:
    unfit = unfit_characters(name)
    if unfit:
        raise UsageError.at(
            place, "id", name, f"an id holds letters, digits and . _ = + - [ ] only, and not {unfit!r}",
            mend="give the parameter an id: pytest.param(..., id='...')",
        )  # fmt: skip
    if len(name) > LONGEST_ID:
        raise UsageError.at(place, "id", name, f"longer than {LONGEST_ID} characters, and must be a file's name",
                            mend="give the parameter an id: pytest.param(..., id='...')")  # fmt: skip


def check_unique(scenarios: Sequence[Scenario]) -> None:
    """Raise UsageError if two scenarios have the same id: an id must name one scenario."""
    for _, problem in with_an_id_taken(scenarios):
        raise problem


def with_an_id_taken(scenarios: Iterable[Scenario]) -> Iterator[tuple[Scenario, UsageError]]:
    """Yield each scenario whose id is already taken by an earlier one, and what is wrong."""
    seen: dict[str, Scenario] = {}
    for scenario in scenarios:
        other = seen.setdefault(scenario.id, scenario)
        if other is not scenario:
            problem = f"belongs to {other.location} already"
            yield scenario, UsageError.at(str(scenario.location), "id", scenario.id, problem, mend="rename one of them")
