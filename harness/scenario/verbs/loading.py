"""Verbs for load: clients that keep sending, and requests that arrive at given times."""

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
    """Verbs for load: clients that keep sending, and requests that arrive at given times."""

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
        """Measure how many deliveries per second the service acknowledges to clients that never pause.

        A load that is a share of this capacity means the same on every machine (see `arrivals`)::

            await lab.capacity(clients=8)

        Args:
            clients: how many at once, 1 to 1,000. Use more than the service serves at once. A refused client stops.
            for_s: for how many seconds, more than 0 and 600 at most. Then it waits for the last answers.
            again: clients repeat the scenario's earlier deliveries, in turn, instead of sending new ones.

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
        """Send deliveries at given times, whether or not earlier ones were answered.

        Each delivery has its own client, which hangs up when its patience is over, and tries again. If you await this,
        deliveries arrive for `for_s` seconds. As a block, they arrive while the block runs::

            await lab.arrivals(rate_per_s=20, for_s=2, patience_ms=500)

            await lab.capacity(clients=8)
            async with lab.arrivals(of_capacity=0.6, patience_ms=300, retries=3, expect=ACKNOWLEDGED | REFUSED):
                async with lab.comes_back(within_s=1), lab.inject(link.latency(postgres, latency_ms=500)):
                    await lab.wait(0.5, because="so long the server is slow")

        `expect` does not judge a delivery whose client hung up without an answer. Acknowledged deliveries must be
        stored, as always.

        Args:
            patience_ms: how long a client waits for its answer, in milliseconds.
            rate_per_s: how many arrive in a second, more than 0 and 10,000 at most; or
            of_capacity: how many times the capacity that `lab.capacity` measured last, more than 0 and 100 at most.
            for_s: for how many seconds they arrive, more than 0 and 600 at most; the end of a block waits for that.
                None: until the end of the block.
            retries: how often a client tries again at most, 0 to 100. After hanging up it retries at once; after a
                refusal it waits until its patience would have been over.
            expect: the outcome that each answer must have; see `deliver`.
            again: clients repeat the scenario's earlier deliveries, in turn, instead of sending new ones.

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
        """Expect that the service recovers by itself from the block's disturbance, while requests keep arriving.

        The block disturbs the service, by faults or by more load. The goodput (deliveries acknowledged in time, per
        second) of the surrounding `arrivals` is measured twice: for a second before the disturbance, and for a second
        that begins `within_s` seconds after it. The second figure must be at least `to` times the first (check
        `comes_back`). A service that still works on requests whose clients have hung up and tried again does not come
        back::

            async with lab.arrivals(rate_per_s=20, patience_ms=500, retries=3, expect=ACKNOWLEDGED | REFUSED):
                async with lab.comes_back(within_s=1), lab.inject(link.latency(postgres, latency_ms=500)):
                    await lab.wait(0.5, because="so long the server is slow")

        The run is inconclusive if the service was never overloaded: the goodput did not fall in the block, and nearly
        all deliveries were acknowledged in time. It is also inconclusive if the goodput was below `to` times the load
        even before the block.

        Args:
            within_s: how many seconds the service may need, more than 0 and 600 at most.
            to: the share of the earlier goodput that must be reached, more than 0 and 1 at most.

        Raises:
            UsageError: an argument is out of range.
        """
        return self._doing(Doing(self, ComesBack(within_s=within_s, to=to), None))
