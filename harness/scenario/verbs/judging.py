"""Verbs for what must hold besides the standing checks."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from harness.engine.steps import Alerts, Expect, Limits
from harness.scenario.doing import Doing
from harness.scenario.schedule import Do
from harness.scenario.verbs.verbs import Verbs
from harness.vocabulary import Figure


class Judging(Verbs):
    """Verbs for what must hold besides the standing checks."""

    def alerts(self, *fires: str) -> AbstractAsyncContextManager[None]:
        """Start a Prometheus that watches the service while the block runs, with production's rules (check `alerts`).

        Each alert that you name must become pending, fire, and end after its cause is gone. No other alert may fire.
        The block's end waits for that, so heal the fault inside the block, and keep the traffic running::

            async with lab.alerts("WebhookDegraded"), lab.traffic(clients=2):
                async with lab.inject(link.down(redis)):
                    await lab.until(service.alert("WebhookDegraded"), within_s=20)

        The target says where the rules are, and how much faster than in production they run (`[alerts]`). Do not
        restart the service in the block: Prometheus would scrape the old port.

        Args:
            fires: the names of the alerts; with none, no alert may fire.

        Raises:
            UsageError: the target has no `[alerts]`, or its rules have no such alert.
            MachineLacksError: this machine has no Prometheus; `@needs("prometheus")` says so before it begins.
        """
        return self._doing(Doing(self, Alerts(fires), None))

    def expect(self, figure: Figure, *, at_most: float | None = None, at_least: float | None = None) -> None:
        """Set a limit for a figure, which is read at the end, over the whole scenario (check `figure`).

        It is not awaited::

            lab.expect(service.metric("retries_total"), at_most=3)
            lab.expect(redis.connects_peak(within_ms=100), at_most=20)

        Args:
            figure: what to read, for example a metric of the service, how often a statement is sent for each request,
                or how many connects come at once.
            at_most: the greatest value that holds, in the figure's own unit.
            at_least: the least value that holds. One of the two limits is needed.

        Raises:
            UsageError: neither limit is given.
        """
        step = Expect(figure, at_most=at_most, at_least=at_least)
        self.moves.append(Do(step))
        with self._recorded_end(self._began(step)):
            self.performer.expect(step)

    def limits(
        self, figure: Figure, *, at_most: float | None = None, at_least: float | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Set a limit for a figure over a block (check `figure`).

        Only what happens inside the block counts::

            async with lab.limits(service.metric("retries_total"), at_most=1), lab.inject(link.cut(postgres)):
                await lab.deliver()

        Args:
            figure: what to read; see `expect`. `service.bytes_per_request` needs a whole scenario.
            at_most: the greatest value that holds, in the figure's own unit.
            at_least: the least value that holds. One of the two limits is needed.

        Raises:
            UsageError: neither limit is given, or the figure needs a whole scenario.
        """
        return self._doing(Doing(self, Limits(figure, at_most=at_most, at_least=at_least), None))
