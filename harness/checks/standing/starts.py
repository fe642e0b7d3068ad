"""Checks of starts that must end, and of `prepare`: the exit status, and a reason in the output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.checks.clock import Late
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import PrepareEnded, StartEnded, StartTried

SHOWN = 5
SHOWN_CHARACTERS = 300
"""How much of the output a reason quotes."""


@check(Kind.LIVENESS)
def ends(history: History) -> Examined:
    """A start that must end ends by itself before it listens, with a status that says so, and gives its reason."""
    seen = list(history.of(StartEnded))
    problems = [problem for end in seen for problem in _problems(end)]
    wrong = [(at.t_ns, end) for at, end in history.placed(StartEnded) if any(_problems(end))]
    told = ", then ".join("killed" if end.status is None else f"status {end.status}" for end in seen)
    return Examined(
        problem="; ".join(problems),
        saw=f"ended: {told}" if seen else "no start had to end",
        observations=len(seen),
        clock=_waited_for(wrong, by_time=len(problems) == len(wrong) and not any(end.listened for _, end in wrong)),
    )


def _waited_for(
    wrong: Sequence[tuple[int, StartEnded | PrepareEnded | StartTried]], *, by_time: bool
) -> tuple[Late, ...]:
    """Return the time that each process had before it was killed; none if one ended, or did something wrong."""
    if not by_time or any(end.status is not None for _, end in wrong):
        return ()
    return tuple(Late((t_ns - round(end.took_ms * 1e6), t_ns)) for t_ns, end in wrong)


def _problems(end: StartEnded) -> Iterator[str]:
    if end.listened:
        yield "the start had to end, but the service accepted connections"
    elif end.status is None:
        yield f"the start had to end, but the service still ran after {end.took_ms / 1e3:.1f} s"
    elif end.status not in end.statuses if end.statuses else end.status == 0:
        wanted = " or ".join(map(str, end.statuses)) or "any but 0"
        yield f"the start had to end, but its status was {end.status} (expected {wanted})"
    yield from _words("the start", end)


@check(Kind.LIVENESS)
def prepares(history: History) -> Examined:
    """Each `prepare` ends with status 0, also beside another one and with rows stored; or it fails if it must."""
    seen = list(history.of(PrepareEnded))
    problems = [problem for end in seen for problem in _problems_of_prepare(end)]
    wrong = [(at.t_ns, end) for at, end in history.placed(PrepareEnded) if any(_problems_of_prepare(end))]
    told = ", ".join("killed" if end.status is None else f"status {end.status}" for end in seen)
    return Examined(
        problem="; ".join(problems),
        saw=f"ended: {told}" if seen else "nothing was prepared",
        observations=len(seen),
        clock=_waited_for(wrong, by_time=len(problems) == len(wrong)),
    )


def _problems_of_prepare(end: PrepareEnded) -> Iterator[str]:
    if end.status is None:
        yield f"prepare still ran after {end.took_ms / 1e3:.1f} s"
    elif end.fails and end.status == 0:
        yield "prepare had to fail, but ended with status 0"
    elif not end.fails and end.status != 0:
        yield f"prepare ended with status {end.status}: {end.said[-SHOWN_CHARACTERS:].strip()!r}"
    yield from _words("prepare", end)


@check(Kind.LIVENESS)
def starts(history: History) -> Examined:
    """Each start that the target describes fails with its reason, or succeeds, and none shows a secret."""
    seen = list(history.of(StartTried))
    problems = [problem for tried in seen for problem in _problems_of_try(tried)]
    wrong = [(at.t_ns, tried) for at, tried in history.placed(StartTried) if any(_problems_of_try(tried))]
    came_up = any(tried.came_up and (tried.fails or not tried.serves) for _, tried in wrong)
    more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
    failed = sum(tried.fails for tried in seen)
    return Examined(
        problem="; ".join(problems[:SHOWN]) + more,
        saw=f"{failed} starts had to fail, {len(seen) - failed} to come up" if seen else "no start was tried",
        observations=len(seen),
        clock=_waited_for(wrong, by_time=len(problems) == len(wrong) and not came_up),
    )


def _problems_of_try(tried: StartTried) -> Iterator[str]:
    expected = tried.statuses if tried.fails else (0,)
    came_up, must_come_up = tried.came_up, tried.serves and not tried.fails
    if came_up and not must_come_up:
        yield f"{tried.name} had to fail, but the service accepted connections"
    elif must_come_up and not came_up:
        yield f"{tried.name} had to come up, but did not: {tried.said[-SHOWN_CHARACTERS:].strip()!r}"
    elif tried.status is None:
        yield f"{tried.name} still ran after {tried.took_ms / 1e3:.1f} s"
    elif tried.status not in expected if expected else tried.status == 0:
        wanted = " or ".join(map(str, expected)) or "any but 0"
        told = tried.said[-SHOWN_CHARACTERS:].strip()
        yield f"{tried.name} ended with status {tried.status} (expected {wanted}): {told!r}"
    yield from _words(tried.name, tried)
    yield from (f"{tried.name} showed {shown}" for shown in tried.shown)


def _words(what: str, end: StartEnded | PrepareEnded | StartTried) -> Iterator[str]:
    """What is wrong with its output."""
    if end.status is not None and end.says and not re.search(end.says, end.said):
        yield f"{what} did not say {end.says!r}, but {end.said[-SHOWN_CHARACTERS:].strip()!r}"
    if end.hides and (found := re.search(end.hides, end.said)):
        yield f"{what} showed {found[0]!r}, which it must hide"
