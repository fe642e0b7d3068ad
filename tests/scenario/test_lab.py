"""The lab: `await` does a step to its end, `async with` keeps it on, and all of it is taken down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from harness import ENDS, Answer, Lab, link, no_fault, postgres, redis, server, service
from harness.engine.steps import Deliver, Expect, Heal, Inject, Restart, Traffic, Until, Wait
from harness.errors import UsageError
from harness.history.events import StepBegan, StepEnded
from harness.scenario.doing import StepMisuseError
from harness.scenario.schedule import Begin, Do, End
from tests.scenario.support import Bench, play

DOWN, LOCK = link.down(redis), server.lock(postgres, "deliveries")


def test_every_verb_makes_its_step() -> None:
    async def scenario(actor: Lab) -> None:
        await actor.deliver(2, copies=3, slower_ms_max=5)
        await actor.inject(DOWN, LOCK)
        await actor.heal(LOCK)
        await actor.until(postgres.idle(), within_s=3)
        await actor.wait(1.5, because="it must pass")
        await actor.restart()
        await actor.restart("SHOP_POOL=0", expect=ENDS, says="POOL")
        actor.expect(service.metric("retries"), at_most=0)

    bench = play(scenario)
    steps = [
        Deliver(2, copies=3, slower_ms_max=5), Inject((DOWN, LOCK)), Heal((LOCK,)),
        Until(postgres.idle(), within_s=3), Wait(1.5, because="it must pass"), Restart(),
        Restart(("SHOP_POOL=0",), expect=ENDS, says="POOL"),
        Expect(service.metric("retries"), at_most=0),
    ]  # fmt: skip
    assert bench.moves == tuple(Do(step) for step in steps)
    assert [step for what, step in bench.performer.did if what == "do"] == steps[:-1]
    assert bench.performer.expectations == steps[-1:]
    history = bench.recorder.history
    assert [began.step for began in history.of(StepBegan)] == list(steps)
    assert [ended.number for ended in history.of(StepEnded)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not bench.actor.partial


def test_nested_blocks_are_taken_down_in_order() -> None:
    async def scenario(actor: Lab) -> None:
        async with actor.traffic(clients=2), actor.inject(DOWN):
            await actor.deliver()
            async with actor.deliver(2):
                await actor.heal(DOWN)
        await actor.restart()

    bench = play(scenario)
    traffic, inject = Traffic(clients=2), Inject((DOWN,))
    assert bench.moves == (
        Begin(1, traffic), Begin(2, inject), Do(Deliver()), Begin(4, Deliver(2)), Do(Heal((DOWN,))),
        End(4), End(2), End(1), Do(Restart()),
    )  # fmt: skip
    assert bench.performer.did[-3:-1] == [("end", inject), ("end", traffic)]
    assert not bench.actor.partial


def test_an_exception_inside_a_block_still_ends_it() -> None:
    async def scenario(actor: Lab) -> None:
        async with actor.inject(DOWN), actor.traffic(clients=1):
            raise LookupError("inside")

    bench = Bench()
    with pytest.raises(LookupError, match="inside"):
        play(scenario, bench)
    assert bench.moves == (Begin(1, Inject((DOWN,))), Begin(2, Traffic(clients=1)), End(2), End(1))
    assert [what for what, _ in bench.performer.did] == ["begin", "begin", "end", "end"]
    assert [ended.number for ended in bench.recorder.history.of(StepEnded)] == [2, 1]


def test_what_breaks_a_step_is_in_its_end() -> None:
    async def awaited(actor: Lab) -> None:
        await actor.restart()

    async def ended(actor: Lab) -> None:
        async with actor.inject(DOWN):
            pass

    for scenario, where in ((awaited, ("do", "restart")), (ended, ("end", "inject"))):
        bench = Bench()
        bench.performer.breaks[where] = LookupError("broken")
        with pytest.raises(LookupError):
            play(scenario, bench)
        assert list(bench.recorder.history.of(StepEnded)) == [StepEnded(1, "LookupError('broken')")]


def test_a_block_that_cannot_begin_is_taken_down_too() -> None:
    """The schedule of such a run repeats the step that broke it."""

    async def scenario(actor: Lab) -> None:
        async with actor.traffic(clients=1), actor.inject(DOWN):
            raise AssertionError("never entered")

    bench = Bench()
    bench.performer.breaks["begin", "inject"] = LookupError("no start")
    with pytest.raises(LookupError):
        play(scenario, bench)
    assert bench.moves == (Begin(1, Traffic(clients=1)), Begin(2, Inject((DOWN,))), End(2), End(1))
    assert ("end", Inject((DOWN,))) not in bench.performer.did
    assert list(bench.recorder.history.of(StepEnded)) == [StepEnded(2, "LookupError('no start')"), StepEnded(1)]


def test_a_step_that_is_neither_awaited_nor_entered_is_told() -> None:
    async def scenario(actor: Lab) -> None:
        await actor.deliver()
        actor.inject(DOWN)  # type: ignore[unused-awaitable]  # the mistake that is tested
        actor.check_all_used()

    with pytest.raises(StepMisuseError) as caught:
        play(scenario)
    assert caught.value.message == "lab.inject(link.down(redis)) was neither awaited nor entered, so it never happened"
    assert caught.value.hint == "write: await lab.inject(link.down(redis))"


def test_the_place_of_a_misuse_is_the_scenarios_own_line() -> None:
    async def scenario(actor: Lab) -> None:
        actor.deliver(3)  # type: ignore[unused-awaitable]  # the mistake that is tested
        actor.check_all_used()

    with pytest.raises(StepMisuseError) as caught:
        play(scenario)
    assert caught.value.place.endswith(f"test_lab.py:{scenario.__code__.co_firstlineno + 1}")


def test_steps_that_were_used_are_no_misuse() -> None:
    async def scenario(actor: Lab) -> None:
        await actor.deliver()
        async with actor.inject(DOWN):
            pass
        actor.check_all_used()

    assert len(play(scenario).moves) == 3


def test_a_step_is_used_once() -> None:
    async def awaited_twice(actor: Lab) -> None:
        step = actor.deliver()
        await step
        await step

    async def awaited_and_entered(actor: Lab) -> None:
        step = actor.deliver()
        await step
        async with step:
            pass

    for scenario in (awaited_twice, awaited_and_entered):
        bench = Bench()
        with pytest.raises(StepMisuseError, match=r"lab\.deliver\(\) was used already"):
            play(scenario, bench)
        assert bench.moves == (Do(Deliver()),)


@pytest.mark.parametrize(
    ("look", "partial"),
    [
        (lambda answers: answers[0], True),
        (lambda answers: answers[0:1], True),
        (list, True),
        (lambda answers: "x" in answers, True),
        (lambda answers: list(reversed(answers)), True),
        (len, False),
        (bool, False),
    ],
)
def test_looking_at_an_answer_makes_a_schedule_partial(look: Callable[[object], object], partial: bool) -> None:
    async def scenario(actor: Lab) -> None:
        answers = await actor.deliver(2)
        assert not actor.partial
        look(answers)
        assert actor.partial is partial

    play(scenario)


def test_answers_are_those_of_the_step() -> None:
    async def scenario(actor: Lab) -> None:
        answers = await actor.deliver(2, copies=2)
        assert len(answers) == 4
        assert [type(answer) for answer in answers] == [Answer] * 4

    play(scenario)


def test_a_block_gives_its_answers_at_its_end() -> None:
    async def scenario(actor: Lab) -> None:
        async with actor.deliver(2, copies=2) as answers:
            await actor.restart()
        assert not actor.partial
        assert len(answers) == 4
        assert [answer.status for answer in answers] == [200] * 4
        assert actor.partial

    play(scenario)


@pytest.mark.parametrize("look", [lambda answers: answers[0], list, len, bool], ids=["item", "all", "count", "any"])
def test_answers_are_not_looked_at_before_the_block_ends(look: Callable[[object], object]) -> None:
    async def scenario(actor: Lab) -> None:
        async with actor.deliver(3) as answers:
            look(answers)

    bench = Bench()
    with pytest.raises(StepMisuseError) as caught:
        play(scenario, bench)
    assert caught.value.message.startswith("the answers of lab.deliver(3) are not there yet: the block that sends them")
    assert caught.value.hint == "read them after the block"
    assert not bench.actor.partial


def test_two_steps_at_once_make_a_schedule_partial() -> None:
    async def scenario(actor: Lab) -> None:
        gate = bench.performer.gate = asyncio.Event()
        first = asyncio.ensure_future(actor.do(Deliver()))
        second = asyncio.ensure_future(actor.do(Restart()))
        await asyncio.sleep(0)  # the task begins, and waits
        gate.set()
        await asyncio.gather(first, second)

    bench = Bench()
    play(scenario, bench)
    assert bench.actor.partial


def test_blocks_that_overlap_make_a_schedule_partial() -> None:
    async def scenario(actor: Lab) -> None:
        one = await actor.begin(Traffic(clients=1))
        two = await actor.begin(Inject((DOWN,)))
        assert not actor.partial
        await actor.end(one)
        await actor.end(two)

    assert play(scenario).actor.partial


def test_bad_arguments_are_told_where_they_are_written() -> None:
    async def scenario(actor: Lab) -> None:
        await actor.deliver(0)

    bench = Bench()
    with pytest.raises(UsageError, match="deliver: n = 0"):
        play(scenario, bench)
    assert bench.moves == ()


def test_no_fault_is_a_fault() -> None:
    async def scenario(actor: Lab) -> None:
        await actor.inject(no_fault)

    assert play(scenario).moves == (Do(Inject((no_fault,))),)
