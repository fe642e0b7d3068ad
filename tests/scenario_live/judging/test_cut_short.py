"""Runs that something ends from outside: a limit, a dead server, an interruption."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from harness import ANY_OUTCOME, Lab, link, postgres, redis, server
from harness.checks import Verdict
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.history import read_history
from harness.history.events import (
    HarnessProblem,
    PhaseBegan,
    RequestEnded,
    RequestSent,
    ServerDied,
    ServiceStarted,
    StepBegan,
)
from harness.processes.keeper import KeptProcess
from harness.stack import StackConfiguration
from tests.scenario_live.support import Runs, Unhealable, evidence, history_of, limited, patient_target, problems

FOREVER = "the scenario was not over in"


async def _for_ever() -> None:
    await asyncio.Event().wait()


def test_a_scenario_without_end(runs: Runs) -> None:
    """Cut at its limit, healed, and recovered from."""
    lock = server.lock(postgres, "deliveries")

    async def play(lab: Lab) -> None:
        async with lab.inject(lock), lab.deliver(expect=ANY_OUTCOME):
            await lab.until(lock.fired())
            await _for_ever()

    # By then the INSERT waits for the lock, on a busy machine too.
    result = runs(play, scenario_within_s=3)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == f"the harness broke: {FOREVER} 3 s, and was cut short"
    assert evidence(result)[repr(lock)] == {"lock_waited_for": 1}
    assert "recovered" in [entry.event.kind for entry in history_of(result).entries]


def test_a_time_out_of_another_kind_is_told_as_what_it_is(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        raise TimeoutError("somebody else's")

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert re.match(r"the scenario is wrong: \S+test_cut_short\.py:\d+: TimeoutError: somebody else's", result.reason)


def _process(bed: Testbed, name: str) -> KeptProcess:
    stack = bed.stack
    process = stack.all_servers[name].process
    assert process is not None
    return process


@pytest.mark.parametrize(
    ("name", "last_words"),
    [("postgres", "unexpected postmaster exit"), ("redis", "Ready to accept"), ("toxiproxy", "proxy")],
)
def test_a_server_that_dies(tmp_path: Path, name: str, last_words: str) -> None:
    """Nothing is waited for: the run ends with its death, and so does the next one on the same servers."""
    with open_testbed(patient_target(), StackConfiguration(), logs=tmp_path / "logs") as bed:
        dying = _process(bed, name)

        async def play(lab: Lab) -> None:
            async with lab.inject(link.latency(redis, latency_ms=10)):
                await lab.deliver()
                os.kill(dying.pid, signal.SIGKILL)
                await _for_ever()

        result = Runs(bed, tmp_path)(play)
        after = Runs(bed, tmp_path)(play, name="after")

    for each in (result, after):
        assert each.verdict is Verdict.INCONCLUSIVE
        assert each.reason.startswith(f"{name} died, and no fault had touched it: status -9; the end of its output:\n")
        assert [death.name for death in history_of(each).of(ServerDied)] == [name]
        assert not [problem for problem in problems(each) if FOREVER in problem]
    assert last_words in result.reason
    assert list(history_of(after).of(StepBegan)) == []
    assert "recovery" not in [phase.phase for phase in history_of(result).of(PhaseBegan)]


def test_an_interruption(runs: Runs) -> None:
    """Ctrl-C in the middle of everything: it comes out of the run, and nothing of the run stays behind."""

    async def play(lab: Lab) -> None:
        slow, lock = link.latency(redis, latency_ms=10), server.hold_commits(postgres, "deliveries")
        async with lab.traffic(clients=3, expect=ANY_OUTCOME):
            await lab.inject(slow, lock, server.poison(redis))
            await lab.until(postgres.waiting("COMMIT", at_least=2))
            signal.raise_signal(signal.SIGINT)
            await _for_ever()

    with pytest.raises(KeyboardInterrupt):
        runs(play, patience_s=1)

    (path,) = runs.folder.glob("history/*.jsonl")
    history = read_history(path)
    started = history.last(ServiceStarted)
    assert started is not None
    assert not Path(f"/proc/{started.pid}").exists()
    sent, ended = list(history.of(RequestSent)), list(history.of(RequestEnded))
    assert {request.request for request in sent} == {end.request for end in ended}
    healed = [entry.event.kind for entry in history.entries].count("fault.healed")
    assert healed == 3


def test_an_interruption_that_cannot_be_cleaned_up_after(runs: Runs) -> None:
    """What breaks on the way out does not take the interruption's place."""

    async def play(lab: Lab) -> None:
        async with lab.inject(Unhealable()):
            signal.raise_signal(signal.SIGINT)
            await _for_ever()

    with pytest.raises(KeyboardInterrupt):
        runs(play)

    (path,) = runs.folder.glob("history/*.jsonl")
    broke = [problem.text for problem in read_history(path).of(HarnessProblem)]
    assert broke
    assert all("this fault does not heal" in text for text in broke)


def test_a_relay_that_broke(runs: Runs) -> None:
    """Its log is empty unless something of its own broke; what it wrote before the run is no matter of the run's."""
    path = runs.bed.stack.relay.log.path
    first = path.read_text()

    async def play(lab: Lab) -> None:
        await lab.deliver()
        with path.open("a") as log:
            log.write("Traceback\nIndexError: of the relay's own\n")

    try:
        broken = runs(play)

        async def deliver(lab: Lab) -> None:
            await lab.deliver()

        after = runs(deliver, name="after")
    finally:
        path.write_text(first)

    assert (broken.verdict, broken.failing_checks) == (Verdict.INCONCLUSIVE, ())
    told = "the relay broke, and wrote to relay.log:\nTraceback\nIndexError: of the relay's own"
    assert broken.reason == f"the harness broke: {told}"
    assert problems(after) == []


def test_the_target_says_how_long_a_scenario_may_take(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.wait(60, because="it is cut short before")

    result = runs.on(target=limited(runs.bed.target, scenario_s=0.5))(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the scenario was not over in 0.5 s, and was cut short" in result.reason
