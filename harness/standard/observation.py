"""Starts the service once, delivers with nothing broken, and plans the standard suite from the observation."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import uvloop

from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.errors import HarnessError
from harness.search.recording.deliveries import NotAcknowledgedError, kinds_of, record_all, record_change, record_rest
from harness.search.recording.places import Kind
from harness.search.sweep.cells.states import NotReadyError
from harness.search.sweep.lane import EndedError, Lane
from harness.search.sweep.sweeper import first_lane
from harness.stack import StackConfiguration
from harness.standard.ground import links_of
from harness.standard.plan import StandardSuite, Unbroken, standard_suite
from harness.standard.planned import LeftOut
from harness.standard.statements import statements
from harness.target import Target

KINDS: tuple[Kind, ...] = ("warm", "repeat", "read")
TRIES = 3
"""How often to try the recording of a service that ends, or refuses."""
AT_REST_S = 1.5
"""How long to watch what the service sends by itself: a worker looks for work a few times per second."""
CUT = "when its connections to its servers were cut"
MAY_BE_LEFT_OUT: tuple[Kind, ...] = ("repeat", "read")
"""Kinds that may fail in the recording: each run judges them, and a first delivery's messages can still be broken."""


def look_and_plan(
    target: Target,
    stack: StackConfiguration,
    *,
    profile: str,
    without: tuple[str, ...] = (),
    progress: Callable[[str], None],
) -> StandardSuite:
    """Plan the standard suite of a target. It starts servers and the service, and stops them.

    Raises HarnessError if they do not start, or the service does not acknowledge a delivery with nothing broken.
    """
    progress("recording what a delivery sends, for the standard suite")
    with tempfile.TemporaryDirectory(prefix="harness-standard-") as folder:
        logs = Path(folder) / "logs"
        with open_testbed(target, stack, logs=logs, progress=progress) as bed:
            run = RunConfiguration(profile=profile, without=without, folder=Path(folder))
            with _leads_to_check(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
                seen = recorded(lambda: loop.run(_look(bed, run)), progress)
            return standard_suite(target, seen, bed.lacking)


def recorded(look: Callable[[], Unbroken], progress: Callable[[str], None]) -> Unbroken:
    """Look again if the service ended, or refused: a suite without its statements would miss the cause.

    It is chance whether a cut connection finds the service at a moment that it does not survive; a break at its
    statement is not chance. And on a busy machine a correct service may refuse a delivery with nothing broken.

    Raises NotAcknowledgedError if it refuses each time.
    """
    for _ in range(TRIES - 1):
        try:
            seen = look()
            why = seen.unrecorded
        except NotAcknowledgedError as problem:
            why = problem.message
        else:
            if not why:
                return seen
        progress(f"{why}; recording again")
    return look()


@contextmanager
def _leads_to_check() -> Iterator[None]:
    """Name the verb that checks a description, if an error has no better advice."""
    try:
        yield
    except HarnessError as problem:
        if problem.hint:
            raise
        hint = "`harness check` says what does not fit in the target description"
        raise HarnessError(problem.message, hint=hint) from problem


async def _look(bed: Testbed, run: RunConfiguration) -> Unbroken:
    async with bed.stack.relay.control() as relay, AsyncExitStack() as owned:
        lane = await first_lane(bed, relay, run, owned)
        acknowledged = await lane.acknowledges()
        try:
            kinds = [kind for kind in KINDS if kind in kinds_of(lane)]
            recordings = await record_all(lane, kinds, may_be_left_out=MAY_BE_LEFT_OUT)
            changes = {name: await record_change(lane, name) for name in bed.target.description.changes}
        except (EndedError, NotAcknowledgedError, NotReadyError) as problem:
            if isinstance(problem, EndedError) or acknowledged:
                return not_recorded(problem)
            raise
        at_rest = await record_rest(lane, AT_REST_S)
        every = bed.target.description.naming.begins
        used = {each.kind: frozenset(message.link for message in each.messages) for each in recordings}
        asked = {f"a {each.kind}": each for each in recordings} | changes
        left_out = [
            LeftOut(f"the statements of {name}", each.left_out) for name, each in asked.items() if each.left_out
        ]
        links = links_of(bed.target)
        return Unbroken(
            statements=statements(recordings, links, at_rest, every=every),
            changes={name: statements([each], links, at_rest, every=every) for name, each in changes.items()},
            kept=await _kept(lane),
            used=frozenset().union(*used.values()),
            others_only=frozenset().union(*used.values()) - used["warm"],
            left_out=left_out,
        )


def not_recorded(problem: EndedError | NotAcknowledgedError | NotReadyError) -> Unbroken:
    """All that is known about a service that ended during its recording, or that acknowledged nothing more."""
    if isinstance(problem, EndedError):
        why = f"{problem.message}, {CUT}; its last words: {problem.last_words}"
    else:
        why = f"the service, which had acknowledged a delivery, acknowledged none {CUT}: {problem.message}"
    return Unbroken(statements=(), kept={}, used=frozenset(), unrecorded=why)


async def _kept(lane: Lane) -> dict[str, int]:
    return {name: len(await lane.site.connections(laid.link)) for name, laid in lane.site.links.items()}
