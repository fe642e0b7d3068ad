"""Verbs for faults, and the moments at which something happens."""

from __future__ import annotations

from collections.abc import Awaitable

from harness.engine.steps import Heal, Inject, Until, Wait
from harness.faults.fault import Fault
from harness.scenario.doing import Doing
from harness.scenario.verbs.verbs import Verbs
from harness.vocabulary import Moment


class Breaking(Verbs):
    """Verbs for faults, and the moments at which something happens."""

    def inject(self, *faults: Fault) -> Doing[None]:
        """Inject faults, in this order.

        A block heals them at its end, in reverse. If you await it instead, they stay until `heal`, or until the
        scenario has ended. Events that `until` waits for count from here::

            async with lab.inject(link.down(redis)):
                await lab.deliver()

        Args:
            faults: one or more, such as `link.down(redis)` or `wire.cut(postgres.sent("COMMIT"))`.

        Raises:
            UsageError: there is no fault, or one names a link that the target does not have.
        """
        return self._doing(Doing(self, Inject(faults), None))

    def heal(self, *faults: Fault) -> Awaitable[None]:
        """Heal faults that were injected, in this order.

        A fault is named by its value. Events that `until` waits for count from here::

            await lab.inject(link.down(redis))
            await lab.deliver()
            await lab.heal(link.down(redis))

        Args:
            faults: one or more that are in force now.

        Raises:
            UsageError: there is no fault, or one is not in force.
        """
        return self._doing(Doing(self, Heal(faults), None))

    def until(self, moment: Moment, *, within_s: float = 10.0) -> Awaitable[None]:
        """Wait for a moment.

        States (`postgres.idle()`, `postgres.waiting("INSERT")`) are polled. Events (a message
        that passed, a line of a log, answers) count since the last `inject` or `heal` began, so that one that came
        before the wait is not missed::

            async with lab.inject(hold := wire.hold(postgres.sent("COMMIT"))):
                async with lab.deliver():
                    await lab.until(hold.fired())

        A moment that does not come ends the scenario. It makes the run inconclusive, or failed (check `reached`)
        where the moment is a claim about the service, such as `service.answers()`.

        Args:
            moment: what to wait for.
            within_s: for how many seconds, more than 0 and one day (86,400) at most.

        Raises:
            UsageError: `within_s` is out of range, or this stack cannot observe the moment.
        """
        return self._doing(Doing(self, Until(moment, within_s=within_s), None))

    def wait(self, seconds: float, *, because: str) -> Awaitable[None]:
        """Let time pass, if time itself is what the scenario needs.

        For example, a pause after which the service no longer remembers a failure::

            async with lab.inject(link.down(redis)):
                await lab.deliver(5)
            await lab.wait(1.2, because="the breaker stays open for a second")
            await lab.deliver()

        Do not use it to wait until something has happened: on a slow machine that takes longer. Use `until` instead.

        Args:
            seconds: how long, more than 0 and 600 at most.
            because: why there is no moment to wait for. Reports show it.

        Raises:
            UsageError: `seconds` is out of range, or `because` says nothing.
        """
        return self._doing(Doing(self, Wait(seconds, because=because), None))
