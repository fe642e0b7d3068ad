"""The service's wall clock is set: evidence, what is signed, and a service that is started again meanwhile."""

from __future__ import annotations

from harness import Lab, no_fault, process
from harness.checks import Verdict
from harness.history.events import EvidenceSeen
from tests.scenario_live.support import Runs, evidence, history_of, site_of


def test_the_clock_is_set_and_right_again(runs: Runs) -> None:
    """What is signed goes by the service's clock: an hour ahead it is valid, and what is stale is not."""

    async def play(lab: Lab) -> None:
        async with lab.inject(process.clock(ahead_s=3600)):
            await lab.restart()
            await lab.deliver(2)
            await lab.request("late")
            await lab.request("stale")
        async with lab.inject(process.clock(ahead_s=-7200)):
            # The service makes its date once a second, and less often on a busy machine.
            while not any(-7300 < each < -7100 for each in site_of(lab).service.dates):
                await lab.wait(0.3, because="it has its time")
                await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    found = evidence(result)["process.clock(ahead_s=-7200)"]
    assert found == {"clock_set": 1, "answers_dated": 1}
    kinds = {seen.what for seen in history_of(result).of(EvidenceSeen)}
    assert kinds == {"clock_set", "answers_dated"}


def test_a_clock_that_nothing_shows(runs: Runs) -> None:
    """It was set, and no answer came meanwhile: the service may not have looked."""

    async def play(lab: Lab) -> None:
        async with lab.inject(process.clock(ahead_s=5)):
            pass
        await lab.inject(no_fault)
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("process.clock(ahead_s=5) was carried out, but nothing shows that the service felt")
