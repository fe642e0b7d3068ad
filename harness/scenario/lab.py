"""The lab: the only thing in a scenario that acts.

`await lab.verb()` does something and waits until it is done; `async with lab.verb()` keeps it active while the block
runs.
"""

from __future__ import annotations

from harness.scenario.verbs.breaking import Breaking
from harness.scenario.verbs.judging import Judging
from harness.scenario.verbs.loading import Loading
from harness.scenario.verbs.running import Running
from harness.scenario.verbs.sending import Sending


class Lab(Sending, Loading, Breaking, Running, Judging):
    """The verbs of a scenario.

    Each verb creates a step. A step acts once, when it is awaited or entered. It is recorded and written into the run's
    schedule, from which it can be replayed::

        async def test_commit_applied_answer_lost(lab: Lab) -> None:
            async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
                await lab.deliver()

    The runner does the rest: before the scenario it reaches steady state; afterwards it heals, waits for recovery and
    runs the checks. A step that is neither awaited nor entered fails the scenario.
    """
