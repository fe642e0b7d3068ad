"""What a start of the service still held as another one replaced it, is found as if it were there at the end."""

from __future__ import annotations

import pytest

from harness import ANY_OUTCOME, REFUSED, Lab, link, no_fault, postgres, process, service
from harness.checks import Verdict
from harness.history.events import AtRest, RestUnknown
from tests.scenario_live.support import Runs, history_of, leaked, limited

OTHER = "WEBHOOK_RETRY_ATTEMPTS=4"
KEPT = "pool_returns: busy connections: postgres of an earlier start stay at 1, at most 0"


@pytest.mark.parametrize("by", ["the usual settings", "another fault"])
def test_what_it_kept_is_found(runs: Runs, by: str) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.restart(OTHER)
        async with leaked(lab):
            await lab.deliver()
            await (lab.restart() if by == "the usual settings" else lab.inject(process.lose_output(to="full disk")))
        await lab.deliver()

    result = runs.on(target=limited(runs.bed.target, recovery_s=0.5))(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("pool_returns",)), result.reason
    assert KEPT in result.reason


def test_starts_that_kept_nothing_and_some_that_cannot_be_looked_at(runs: Runs) -> None:
    """One is replaced under another fault, and one while requests are under way: no rest can be waited for."""
    down = link.down(postgres)

    async def play(lab: Lab) -> None:
        await lab.restart(OTHER)
        await lab.deliver(5)
        await lab.restart()
        async with lab.inject(down):
            await lab.deliver(expect=REFUSED)
            await lab.restart(OTHER)
        async with lab.traffic(clients=1, expect=ANY_OUTCOME):
            await lab.until(service.answers(at_least=9))
            await lab.restart()

    result = runs(play)

    history = history_of(result)
    assert result.verdict is Verdict.HELD, result.reason
    read = {each.what for each in history.of(AtRest) if each.earlier}
    assert read >= {"busy connections", "checked_out", "tasks", "descriptors", "advisory locks"}
    unread = [each.problem for each in history.of(RestUnknown) if each.earlier]
    assert unread == [f"{down!r} is in force", "requests are under way"]
