"""What a run leaves: deliveries that follow from the seed, a result that pickles, a history that judges alike."""

from __future__ import annotations

import pickle

import pytest

from harness import REFUSED, Lab, link, postgres, service
from harness.checks import Verdict, judge
from harness.engine.observing.reading import evidence_of, figures_of
from harness.scenario.schedule import read_schedule
from tests.scenario_live.support import Play, Runs, deliveries, history_of


async def _holds(lab: Lab) -> None:
    async with lab.inject(link.cut(postgres)):
        await lab.deliver(3, copies=2)


async def _fails(lab: Lab) -> None:
    async with lab.inject(link.cut(postgres)):
        await lab.deliver(expect=REFUSED)


async def _proves_nothing(lab: Lab) -> None:
    await lab.deliver()
    await lab.until(service.logged("no such words"), within_s=0.05)


def test_deliveries_follow_from_the_seed(runs: Runs) -> None:
    first, same, other = (deliveries(runs(_holds, seed=seed)) for seed in (7, 7, 8))

    # On a busy machine one run may need a further round to reach its steady state, and so a few more deliveries.
    bodies, again = dict(first), dict(same)
    assert len(bodies.keys() & again.keys()) > 13
    assert all(bodies[name] == again[name] for name in bodies.keys() & again.keys())
    assert len({digest for _, digest in first}) == len({name for name, _ in first}) > 13
    assert {name for name, _ in first}.isdisjoint(name for name, _ in other)
    assert {digest for _, digest in first}.isdisjoint(digest for _, digest in other)


@pytest.mark.parametrize(
    ("play", "verdict"),
    [(_holds, Verdict.HELD), (_fails, Verdict.FAILED), (_proves_nothing, Verdict.INCONCLUSIVE)],
)
def test_result_and_history_tell_the_same(runs: Runs, play: Play, verdict: Verdict) -> None:
    result = runs(play, seed=3)

    assert result.verdict is verdict
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301  # what this very test has pickled
    history = history_of(result)
    judgement = judge(history)
    assert (judgement.verdict, judgement.reason, judgement.failing) == (result.verdict, result.reason, result.failing)
    assert evidence_of(history) == result.evidence != ()
    assert figures_of(history) == result.figures
    assert "--seed 3" in result.repro
    assert result.schedule is not None
    schedule = read_schedule(result.schedule)
    assert (schedule.id, schedule.profile, schedule.without, schedule.seed) == ("live", "hardened", (), 3)
