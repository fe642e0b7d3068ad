"""Verbs for clients that keep on sending, and requests that arrive whatever became of earlier ones."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager

from harness.engine.steps import Traffic
from harness.engine.workload.clients import Answer
from harness.engine.workload.load_steps import Arrivals, Capacity, ComesBack
from harness.scenario.doing import Answers, Doing
from harness.scenario.verbs.verbs import Verbs
from harness.vocabulary import ACKNOWLEDGED, Outcome


class Loading(Verbs):
    """Verbs for clients that keep on sending, and requests that arrive whatever became of earlier ones."""

    def traffic(
        self,
        *,
        clients: int,
        expect: Outcome = ACKNOWLEDGED,
        slower_ms_max: float | None = None,
        small: bool = False,
    ) -> AbstractAsyncContextManager[None]:
        """Have clients send one delivery after the other while the block runs.

        Each client sends its next delivery when the last one is answered. The block's end waits for the last answers::

            async with lab.traffic(clients=8, expect=ANY_OUTCOME), lab.inject(link.down(redis)):
                await lab.until(service.answers(at_least=50))

        Args:
            clients: how many at once, 1 to 1,000.
            expect: the outcome that every request must have; see `deliver`.
            slower_ms_max: in milliseconds; see `deliver`.
            small: most bodies have 120 bytes, and some have many parts. The memory that a service needs for large ones,
                and gives back, would hide what it keeps.

        Raises:
            UsageError: an argument is out of range.
        """
        step = Traffic(clients=clients, expect=expect, slower_ms_max=slower_ms_max, small=small)
        return self._doing(Doing(self, step, None))

    def capacity(self, *, clients: int, for_s: float = 0.5, again: bool = False) -> Awaitable[None]:
        """Measure what the service carries: how many deliveries a second it acknowledges to clients that never wait.

        A load that is a share of it means the same on every machine (see `arrivals`)::

            await lab.capacity(clients=8)

        Args:
            clients: how many at once, 1 to 1,000: more than the service serves at once. One that is refused leaves.
            for_s: for how many seconds, more than 0 and 600 at most. The last answers are waited for.
            again: they send again what the scenario has sent, in turn, instead of new deliveries.

        Raises:
            UsageError: an argument is out of range, or there is nothing to send again.
        """
        return self._doing(Doing(self, Capacity(clients=clients, for_s=for_s, again=again), None))

    def arrivals(
        self,
        *,
        patience_ms: float,
        rate_per_s: float | None = None,
        of_capacity: float | None = None,
        for_s: float | None = None,
        retries: int = 0,
        expect: Outcome = ACKNOWLEDGED,
        again: bool = False,
    ) -> Doing[Sequence[Answer]]:
        """Have deliveries arrive at their times, whether or not earlier ones were answered.

        Each has a client of its own, which hangs up when its patience is over, and tries again. Awaited, they arrive
        for `for_s` seconds. As a block they arrive while it runs::

            await lab.arrivals(rate_per_s=20, for_s=2, patience_ms=500)

            await lab.capacity(clients=8)
            async with lab.arrivals(of_capacity=0.6, patience_ms=300, retries=3, expect=ACKNOWLEDGED | REFUSED):
                async with lab.comes_back(within_s=1), lab.inject(link.latency(postgres, latency_ms=500)):
                    await lab.wait(0.5, because="so long the server is slow")

        What got no answer within the patience is the sender's own doubt: `expect` does not judge it, but what was
        acknowledged must be stored, as ever.

        Args:
            patience_ms: how long a client waits for its answer, in milliseconds.
            rate_per_s: how many arrive in a second, more than 0 and 10,000 at most; or
            of_capacity: how many times the capacity that `lab.capacity` measured last, more than 0 and 100 at most.
            for_s: for how many seconds they arrive, more than 0 and 600 at most; the end of a block waits for that.
                None: until the end of the block.
            retries: how often a client tries again, 0 to 100 times at most. When it has hung up it does so at once,
                and when it was refused not before its patience would have been over.
            expect: the outcome that each answer must have; see `deliver`.
            again: they send again what the scenario has sent, in turn, instead of new deliveries.

        Returns:
            The last answer of each client, in the order of their arrival.

        Raises:
            UsageError: an argument is out of range, both rates are given, or none, or no capacity was measured.
        """
        step = Arrivals(
            rate_per_s=rate_per_s, of_capacity=of_capacity, for_s=for_s, patience_ms=patience_ms, retries=retries,
            expect=expect, again=again,
        )  # fmt: skip
        answers = Answers(step, self._looked)
        doing: Doing[Sequence[Answer]] = Doing(self, step, answers, answers.fill)
        return self._doing(doing)

    def comes_back(self, *, within_s: float, to: float = 0.7) -> AbstractAsyncContextManager[None]:
        """Have the service come back by itself from what the block does, while requests go on to arrive.

        The block disturbs the service: by faults, or by a further load. Before that the load arrives for a second, and
        the block ends `within_s` seconds, and a second more, after what is in it. Over this second the goodput (what is
        acknowledged in time, per second) of the `arrivals` around the block must be `to` of what it was before (check
        `comes_back`). A service that still works off requests whose clients have hung up, while these try again, does
        not come back::

            async with lab.arrivals(rate_per_s=20, patience_ms=500, retries=3, expect=ACKNOWLEDGED | REFUSED):
                async with lab.comes_back(within_s=1), lab.inject(link.latency(postgres, latency_ms=500)):
                    await lab.wait(0.5, because="so long the server is slow")

        The run is inconclusive if the load was never more than the service carried: the goodput did not fall in the
        block, and nearly all was acknowledged in time. Or if it was no `to` of the load even before the block.

        Args:
            within_s: how many seconds the service has, more than 0 and 600 at most.
            to: the share of the earlier goodput, more than 0 and 1 at most.

        Raises:
            UsageError: an argument is out of range.
        """
        return self._doing(Doing(self, ComesBack(within_s=within_s, to=to), None))
