"""Names that do not resolve: what was felt, and what a link without a name says."""

from __future__ import annotations

import dataclasses

from harness import REFUSED, Lab, link, names, postgres, process, redis
from harness.checks import Verdict
from tests.scenario_live.support import Runs, evidence

BY_NAME = ("DATABASE_URL={postgres.named_url}", "REDIS_URL={redis.named_url}")


def test_a_service_that_ends_by_a_name_has_felt_it(runs: Runs) -> None:
    """A name that nobody has, and one that is away: the service that cannot start without is what failed."""
    wrong = process.misconfigure(postgres, url="postgresql://webhook@nowhere.invalid/webhook")

    async def play(lab: Lab) -> None:
        async with lab.inject(wrong):
            await lab.deliver(expect=REFUSED)

    held, ended = runs(play), runs(play, without=("start.degraded",))

    assert held.verdict is Verdict.HELD, held.reason
    assert evidence(held) == {repr(wrong): {"wrong_name_looked_up": 1}}
    assert (ended.verdict, ended.failing_checks[0]) == (Verdict.FAILED, "alive")
    assert evidence(ended) == {repr(wrong): {"wrong_name_looked_up": 1}}


def test_a_look_up_alone_does_not_meet_a_dead_address(runs: Runs) -> None:
    """The service asks for a name whose first address is dead, and is kept from connecting: it did not meet that."""
    dead, no_call = names.dead_first(postgres), names.nxdomain(postgres)

    async def play(lab: Lab) -> None:
        await lab.restart(*BY_NAME)
        async with lab.inject(dead, no_call, link.cut(redis)):
            await lab.deliver(expect=REFUSED)

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert f"{dead!r} left no evidence" in result.reason, result.reason


def test_a_link_without_a_name_has_none_to_break(runs: Runs) -> None:
    links = {name: link.model_copy(update={"name": None}) for name, link in runs.bed.target.description.links.items()}
    description = runs.bed.target.description.model_copy(update={"links": links})
    nameless = runs.on(target=dataclasses.replace(runs.bed.target, description=description))

    async def play(lab: Lab) -> None:
        await lab.inject(names.nxdomain(redis))

    result = nameless(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "names.nxdomain: link = 'redis': the target does not give this link a name" in result.reason
    assert 'add name = "redis.test" to [links.redis]' in result.reason
