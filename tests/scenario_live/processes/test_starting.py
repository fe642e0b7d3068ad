"""The service is started with other settings, started where it must end, and started again by a supervisor."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Awaitable, Callable, Mapping

import pytest

from harness import ACKNOWLEDGED, ANY_OUTCOME, ENDS, Lab, link, no_fault, postgres, process
from harness.checks import Verdict
from harness.engine.observing.cores import processes_of
from harness.history.events import FaultHealed, PrepareEnded, ServiceEnded, StartEnded, StartTried, Supervised
from harness.polling import poll_async
from harness.results import RunResult
from harness.scenario.schedule import read_schedule
from harness.target import Target
from harness.target.sections.starts import StartDescription
from tests.scenario_live.support import Runs, evidence, history_of, site_of

SETTING = "WEBHOOK_POOL_SIZE=0"
SAYS = "WEBHOOK_POOL_SIZE='0'.*a whole number from 1"


def test_a_start_that_must_end_and_does(runs: Runs) -> None:
    """It ends with its reason; then it is started again as it was, by the scenario or at its end."""

    async def play(lab: Lab) -> None:
        await lab.restart(SETTING, expect=ENDS, says=SAYS, hides="hunter2")
        await lab.restart("WEBHOOK_RETRY_ATTEMPTS=4")
        await lab.deliver()
        async with lab.inject(link.down(postgres)):
            await lab.restart(
                "WEBHOOK_START_DEGRADED=off", expect=ENDS, says='"level": "error", "event": "start_failed'
            )
        await lab.restart()
        await lab.deliver()
        await lab.restart("WEBHOOK_POOL_SIZE=none", expect=ENDS, says="WEBHOOK_POOL_SIZE")

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert [end.status for end in history_of(result).of(StartEnded)] == [2, 1, 2]
    felt = [found for fault, found in evidence(result).items() if "restart" in fault]
    assert felt == [{"start_ended": 1}, {"started_otherwise": 1}, {"start_ended": 1}, {"start_ended": 1}]
    assert len(list(history_of(result).of(FaultHealed))) == 5


def described(target: Target, **starts: Mapping[str, object]) -> Target:
    """The same target with other starts."""
    tables = {name: StartDescription.model_validate({"about": name, **start}) for name, start in starts.items()}
    return dataclasses.replace(target, description=target.description.model_copy(update={"starts": tables}))


def test_starts_are_tried_beside_the_service(runs: Runs) -> None:
    """What must fail has its reason in what it said; what must come up is asked, and ended; the service serves on."""

    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.starts()
            await lab.deliver()

    target = described(
        runs.bed.target,
        fails={"environment": {"WEBHOOK_POOL_SIZE": "0"}, "says": SAYS},
        comes_up={"environment": {"WEBHOOK_HOST": "127.0.0.2"}, "fails": False},
        prepares={"runs": "prepare", "only": ["DATABASE_URL"], "fails": False},
        nowhere={"arguments": ["serve", "now"], "address": "192.0.2.1"},
        script={"command": ["{python}", "webhook/main.py"], "environment": {"WEBHOOK_POOL_SIZE": "0"}, "says": SAYS},
    )
    result = runs.on(target=target)(play)

    assert result.verdict is Verdict.HELD, result.reason
    tried = {each.name: (each.status, each.came_up) for each in history_of(result).of(StartTried)}
    assert tried == {"fails": (2, False), "comes_up": (0, True), "prepares": (0, False), "script": (2, False)}
    assert len(list(history_of(result).of(ServiceEnded))) == 1, "its own process is left alone until the end"


class Remembering(set[int]):
    """Process ids, and whoever was among them."""

    def __init__(self) -> None:
        super().__init__()
        self.ever: set[int] = set()

    def add(self, pid: int) -> None:
        super().add(pid)
        self.ever.add(pid)


def test_what_runs_beside_the_service_is_of_the_run_while_it_runs(runs: Runs) -> None:
    """Else nobody would know that it had no core."""
    beside = Remembering()
    target = described(runs.bed.target, fails={"environment": {"WEBHOOK_POOL_SIZE": "0"}, "says": SAYS})
    changed = runs.on(target=target, beside=beside)
    counted: list[int] = []

    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.starts()
            await lab.prepare()
            await lab.deliver()
        assert not beside, "they have ended"
        beside.add(os.getpid())
        counted.extend(processes_of(site_of(lab), changed.bed)["service"])
        beside.clear()

    result = changed(play)

    assert result.verdict is Verdict.HELD, result.reason
    history = history_of(result)
    tried = {*(each.pid for each in history.of(StartTried)), *(each.pid for each in history.of(PrepareEnded))}
    assert beside.ever == {os.getpid(), *tried}
    assert os.getpid() in counted


def test_starts_that_are_not_as_described(runs: Runs) -> None:
    """Each is told, a password that is shown among them."""

    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.starts()
            await lab.deliver()

    target = described(
        runs.bed.target,
        up={"environment": {"WEBHOOK_POOL_SIZE": "3"}},
        down={"environment": {"WEBHOOK_POOL_SIZE": "0"}, "fails": False},
        shown={"environment": {"WEBHOOK_REDIS_TTL_S": "{DATABASE_URL}"}},
        silent={"runs": "prepare", "arguments": ["now"], "says": "no such words"},
    )
    result = runs.on(target=target)(play)

    assert result.failing_checks == ("starts",)
    problems = sorted(each.partition("starts: ")[2] or each for each in result.reason.split("; "))
    for told in (
        "up had to fail, but the service accepted connections", "down had to come up, but did not: ",
        "shown showed the password on postgres and replica and pooled: ", "silent did not say 'no such words', but ",
    ):  # fmt: skip
        assert any(told in each for each in problems), problems


def test_a_target_without_starts_has_none_to_try(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.starts()

    result = runs.on(target=described(runs.bed.target))(play)
    assert "the target describes no start" in result.reason


@pytest.mark.parametrize(
    ("settings", "says", "hides", "reason"),
    [
        (["WEBHOOK_POOL_SIZE=3"], "", "", "ends: the start had to end, but the service accepted connections"),
        ([SETTING], "no such words", "", "ends: the start did not say 'no such words', but "),
        ([SETTING], "", "POOL_[A-Z]+", "ends: the start showed 'POOL_SIZE', which it must hide"),
    ],
    ids=["it comes up", "another reason", "it shows what it must not"],
)
def test_a_start_that_does_not_end_as_it_must(
    runs: Runs, settings: list[str], says: str, hides: str, reason: str
) -> None:
    async def play(lab: Lab) -> None:
        await lab.restart(*settings, expect=ENDS, says=says, hides=hides)
        await lab.restart()
        await lab.deliver()

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("ends",))
    assert result.reason.startswith(reason)


def test_a_start_that_fails_with_other_settings(runs: Runs) -> None:
    """It was started: that it does not come up is the service's failure."""

    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.restart(SETTING)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("alive",)), result.reason
    assert "WEBHOOK_POOL_SIZE='0'" in result.reason


def test_settings_last_until_the_scenario_is_over(runs: Runs) -> None:
    """Without a restart of the scenario's own, the harness starts the service again as it was."""

    async def play(lab: Lab) -> None:
        await lab.restart("WEBHOOK_TIMESTAMP_TOLERANCE_S=200", "WEBHOOK_PORT={service.port}")
        await lab.deliver()
        await lab.request("late")  # signed 240 s ago: too old for this service, which may still refuse it
        await lab.deliver()

    result = runs(play)

    assert "valid_is_not_rejected" in result.failing_checks, result.reason
    recorded = [end.asked_by for end in history_of(result).of(ServiceEnded)]
    assert recorded == ["stop", "stop", "end"]


def test_a_schedule_repeats_a_start(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.restart(SETTING, expect=ENDS, says=SAYS)
        await lab.deliver(expect=ANY_OUTCOME)

    result = runs(play)
    assert result.schedule is not None
    schedule = read_schedule(result.schedule)
    again = runs(lambda lab: lab.replay(schedule.moves), name="again")

    assert f"await lab.restart('{SETTING}', expect=ENDS, says=" in schedule.to_python()
    assert (result.verdict, again.verdict) == (Verdict.HELD, Verdict.HELD), (result.reason, again.reason)


async def _killed(lab: Lab) -> None:
    running = site_of(lab).service
    os.kill(running.process.pid, signal.SIGKILL)
    await running.wait(5)


def _alive(lab: Lab) -> Callable[[], Awaitable[bool]]:
    async def alive() -> bool:
        return site_of(lab).service.alive

    return alive


def _supervised(runs: Runs, times: int) -> RunResult:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        for _ in range(times):
            async with lab.supervised(restarts=1):
                await _killed(lab)
        await lab.deliver()

    return runs(play)


def test_a_supervisor_starts_it_again(runs: Runs) -> None:
    result = _supervised(runs, 2)

    assert result.verdict is Verdict.HELD, result.reason
    assert [each.status for each in history_of(result).of(Supervised)] == [-9, -9]


def test_a_supervisor_has_a_bound(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        async with lab.supervised(restarts=1):
            await _killed(lab)
            # Its log says that it listens before the supervisor has learnt where.
            assert await poll_async(_alive(lab), within_s=20)
            await lab.deliver()
            await _killed(lab)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("alive",))
    assert result.reason == "alive: ended by itself with status -9"


def test_who_ends_it_with_status_0_wants_it_to_stay_away(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.supervised(), lab.inject(process.terminate()):
            pass
        await lab.deliver(expect=ACKNOWLEDGED)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert list(history_of(result).of(Supervised)) == []


def test_a_kill_is_healed_beside_a_supervisor(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.supervised(), lab.inject(process.kill()):
            pass
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result) == {"process.kill()": {"process_ended": 1}}
