"""The lab: the only thing in a scenario that acts.

`await lab.verb()` does it to its end; `async with lab.verb()` keeps it on while the block runs.
"""

from __future__ import annotations

from harness.scenario.verbs.breaking import Breaking
from harness.scenario.verbs.judging import Judging
from harness.scenario.verbs.loading import Loading
from harness.scenario.verbs.running import Running
from harness.scenario.verbs.sending import Sending


class Lab(Sending, Loading, Breaking, Running, Judging):
    """The verbs of a scenario.

    Each verb makes a step. A step is recorded, written into the run's schedule, and can be replayed from there. It
    acts when it is awaited or entered, and only once::

        async def test_commit_applied_answer_lost(lab: Lab) -> None:
            async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
                await lab.deliver()

    The runner does the rest: steady state before, healing, recovery and the checks after. A step that is neither
    awaited nor entered fails the scenario.
    """
