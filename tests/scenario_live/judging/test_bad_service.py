"""A service that refuses, dies or does not come back does not pass."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Iterator, Mapping

import pytest

from harness import ANY_OUTCOME, REFUSED, Lab, link, postgres, process, server
from harness.checks import Verdict
from harness.engine.laying.testbed import open_testbed
from harness.history.events import PhaseBegan, ServiceEnded
from harness.scenario import runner
from harness.stack import StackConfiguration
from harness.stack.service.start import without_frames
from harness.target import Delivery, OutgoingRequest, Sender, load_target
from tests.scenario_live.support import Runs, history_of, limited, site_of
from tests.tiny import write_suite

REFUSE_ALL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$no more$$; END';
    CREATE TRIGGER refuse BEFORE INSERT ON deliveries EXECUTE FUNCTION refuse();
"""


class _OtherSecret:
    """Signs with one secret and tells the service another."""

    def __init__(self, told: Sender, used: Sender) -> None:
        self._told = told
        self._used = used

    def settings(self) -> Mapping[str, str]:
        return self._told.settings()

    def request(self, delivery: Delivery) -> OutgoingRequest:
        return self._used.request(delivery)


def test_a_service_that_refuses_everything(runs: Runs) -> None:
    target = runs.bed.target
    played = False
    sender = _OtherSecret(type(target.sender)(), target.sender)

    async def play(lab: Lab) -> None:
        nonlocal played
        played = True
        await lab.deliver(expect=REFUSED)

    result = runs.on(target=dataclasses.replace(target, sender=sender))(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("steady state was not reached: 10 of 10: ")
    assert '"event": "listening"' in result.service_log, "what it logged is shown"
    assert "status 401" in result.reason
    assert not played


def test_a_service_that_never_comes_up(runs: Runs) -> None:
    description = runs.bed.target.description
    broken = description.service.model_copy(update={"command": ["{python}", "-c", "raise SystemExit('no service')"]})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update={"service": broken}))

    async def play(lab: Lab) -> None:
        await lab.deliver()

    result = runs.on(target=target)(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "it ended with status 1; the end of its output:\nno service" in result.reason


def test_a_service_that_begins_to_refuse(runs: Runs) -> None:
    bad = server.execute(postgres, REFUSE_ALL)

    async def play(lab: Lab) -> None:
        await lab.inject(bad)
        await lab.deliver(3)

    result = runs.on(target=limited(runs.bed.target, recovery_s=0.2))(play)

    assert result.verdict is Verdict.FAILED
    assert {"outcome", "recovers"} <= set(result.failing_checks)
    assert result.reason.startswith("outcome: 3 of 3: ")


def test_a_service_that_goes_on_refusing(runs: Runs) -> None:
    """Refusing is what the scenario asks for; not to stop it is not."""

    async def play(lab: Lab) -> None:
        await lab.inject(server.execute(postgres, REFUSE_ALL))
        await lab.deliver(3, expect=ANY_OUTCOME)

    result = runs.on(target=limited(runs.bed.target, recovery_s=1.0))(play)

    assert result.verdict is Verdict.FAILED
    assert "outcome" not in result.failing_checks
    assert result.reason.startswith("recovers: nothing acknowledged 1 s after healing: ")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs of the tiny service, on servers that were prepared for it."""
    folder = tmp_path_factory.mktemp("tiny")
    target = load_target(write_suite(folder) / "scenarios" / "target.toml")
    with open_testbed(target, StackConfiguration(), logs=folder / "logs") as bed:
        yield Runs(bed, folder)


def _set(runs: Runs, **environment: str) -> Runs:
    """The same service, with more in its environment."""
    description = runs.bed.target.description
    changed = description.service.model_copy(update={"environment": {**description.service.environment, **environment}})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update={"service": changed}))
    return runs.on(target=target)


async def _cut_and_deliver(lab: Lab) -> None:
    async with lab.inject(link.cut(postgres)):
        await lab.deliver(3)


@pytest.mark.parametrize(
    ("same", "verdict", "failing"),
    [("off", Verdict.FAILED, ("same_answer_again",)), ("on", Verdict.HELD, ())],
    ids=["otherwise", "the same"],
)
def test_a_service_that_answers_a_repeat(tiny: Runs, same: str, verdict: Verdict, failing: tuple[str, ...]) -> None:
    """Nothing in the scenario sends anything twice: only what is sent again at the end finds it out."""
    result = _set(tiny, TINY_SAME=same)(_cut_and_deliver, profile="whole")

    assert (result.verdict, result.failing_checks) == (verdict, failing), result.reason
    if failing:
        assert "stored again" in result.reason


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("send_again", "acknowledged, but never sent again: 3 deliveries; "),
        ("record_rest", "never checked at rest: connections: postgres, busy connections: postgres"),
    ],
)
def test_a_run_whose_end_was_left_out(tiny: Runs, monkeypatch: pytest.MonkeyPatch, part: str, reason: str) -> None:
    """What the harness does not look at it cannot vouch for."""

    async def nothing(*_: object) -> None:
        """Look at nothing."""

    monkeypatch.setattr(runner, part, nothing)
    result = tiny(_cut_and_deliver, profile="whole")

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(reason)


def test_a_service_that_dies_by_itself(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        running = site_of(lab).service
        os.kill(running.process.pid, signal.SIGKILL)
        await running.wait(5)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("alive",))
    assert result.reason == "alive: ended by itself with status -9"
    assert [end.asked_by for end in history_of(result).of(ServiceEnded)] == [""]
    assert "recovery" not in [phase.phase for phase in history_of(result).of(PhaseBegan)]


def test_a_service_that_a_fault_kills_has_not_died_by_itself(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(process.kill()):
            await lab.deliver(expect=REFUSED)
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert next(history_of(result).of(ServiceEnded)).asked_by == "SIGKILL"


def test_a_service_that_does_not_come_back_from_a_kill(runs: Runs) -> None:
    """Healing a kill starts it again: that it does not start is its own failure, not the harness's."""
    description = runs.bed.target.description
    once = (
        "import os, sys; os.path.exists(sys.argv[1]) and sys.exit('not again'); "
        "open(sys.argv[1], 'w').close(); os.execv(sys.executable, [sys.executable, '-m', 'webhook'])"
    )
    command = ["{python}", "-c", once, str(runs.folder / "started")]
    changed = description.service.model_copy(update={"command": command})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update={"service": changed}))

    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.inject(process.kill())

    result = runs.on(target=target)(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("alive",))
    assert "the service did not start: it ended with status 1; the end of its output:\nnot again" in result.reason, (
        "of this start, and none of those before it"
    )


def test_the_frames_of_a_traceback_are_not_the_last_words_of_a_start() -> None:
    tail = '    ^^^^^\n  File "a.py", line 1, in connect\nOSError: [Errno 111] refused\nERROR: exiting'
    assert without_frames(tail) == "OSError: [Errno 111] refused\nERROR: exiting"
    assert without_frames("\tat a\n\tat b") == "\tat a\n\tat b"
    settings = "settings are wrong:\n  POOL_SIZE='0'"
    traceback = 'Traceback (most recent call last):\n  File "a.py", line 1, in a\n    b()'
    assert without_frames(f"{settings}\n{traceback}\nKeyError: 1\n  note") == (
        f"{settings}\nTraceback (most recent call last):\nKeyError: 1\n  note"
    )
