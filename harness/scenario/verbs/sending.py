"""Verbs that send requests: deliveries, one request of the contract, or all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from harness.engine.steps import Contract, Deliver, Request
from harness.engine.workload.clients import Answer
from harness.scenario.doing import Answers, Doing
from harness.scenario.verbs.verbs import Verbs
from harness.vocabulary import ACKNOWLEDGED, Moment, Outcome


class Sending(Verbs):
    """Verbs that send requests: deliveries, one request of the contract, or all of them."""

    def deliver(
        self,
        n: int = 1,
        *,
        copies: int = 1,
        expect: Outcome = ACKNOWLEDGED,
        slower_ms_max: float | None = None,
        hang_up_at: Moment | None = None,
    ) -> Doing[Sequence[Answer]]:
        """Send deliveries, all at once, and wait for their answers.

        If you await it, it returns the answers. As a block, it sends at the beginning and waits at the end, so that
        something can happen meanwhile. The answers are available after the block; reading them earlier is an error::

            await lab.deliver(expect=REFUSED)

            async with lab.deliver(3) as answers:
                await lab.until(postgres.waiting("INSERT"))
                await lab.heal(lock)
            assert answers[0].status == 200

        Args:
            n: how many different deliveries, 1 to 10,000.
            copies: how often each is sent, at the same moment. `n * copies` is 10,000 at most.
            expect: the outcome that every request must have (check `outcome`). Several are joined by `|`:
                `ACKNOWLEDGED | REFUSED`; `ANY_OUTCOME` leaves it open.
            slower_ms_max: by how many milliseconds each may exceed this run's own healthy answer (check `slower`):
                the median answer of the steady state before the scenario. None: any time within the deadline.
            hang_up_at: a moment at which the clients close their connections without waiting for the answer. At a
                message, such as `postgres.sent("COMMIT")`, the clients send one after the other, and the relay holds
                each client's message until its socket is closed; `wire.hang_up` does this to all at once. At any other
                moment all clients send at once, and hang up when the moment is seen. If none hung up, the run is
                inconclusive.

        Raises:
            UsageError: an argument is out of range, or `hang_up_at` is a moment that this stack cannot observe.
        """
        step = Deliver(n, copies=copies, expect=expect, slower_ms_max=slower_ms_max, hang_up_at=hang_up_at)
        answers = Answers(step, self._looked)
        doing: Doing[Sequence[Answer]] = Doing(self, step, answers, answers.fill)
        return self._doing(doing)

    def request(
        self, name: str, *, of: int | None = -1, expect: Outcome | None = None, within_ms: float | None = None
    ) -> Doing[None]:
        """Send one request of the target's contract, by its name. As a block, the request is open while the block runs.

        For example, a delivery is refused, sent again after the fault, and then read::

            await lab.deliver(expect=REFUSED)
            await lab.heal(link.down(postgres))
            await lab.request("again")
            await lab.request("delivery", expect=ACKNOWLEDGED)

        Args:
            name: one of the target's `[reads]`, `[right]` or `[wrong]`; `alive` or `ready`; `again`: the delivery once
                more; `taken`: another body under its id; one of the `[identities]`: the same id as that sender, with
                another body if it is another source.
            of: which delivery of the scenario the request is about, as an index of a list: -1 is the last one. None:
                a delivery that was never sent.
            expect: the outcome that it must have (check `outcome`). None: what the contract owes when
                nothing is broken.
            within_ms: for a service that stores later: ask again for so many milliseconds, until the outcome is as
                expected.

        Raises:
            UsageError: the target has no such request, or the scenario has not sent such a delivery.
        """
        return self._doing(Doing(self, Request(name, of=of, expect=expect, within_ms=within_ms), None))

    def contract(self, *, slow: bool = False) -> Awaitable[None]:
        """Send every request of the target's contract once. The checks judge each by what the service owes then.

        These are reads of acknowledged ids and of ids that were never sent, repeats, another body under a taken id, the
        same id from other senders, unusual deliveries, requests that must be rejected, and health. While something is
        broken the service may answer "not now", but nothing that is false::

            async with lab.inject(link.down(postgres)):
                await lab.contract()

        Every run also sends them, before the scenario and after its recovery. Then it sends only one in sixteen of the
        many unusual requests that must be acknowledged or rejected, and only one other sender's.

        Args:
            slow: send only those unusual requests that the target marks `slow`. Each takes seconds.
        """
        return self._doing(Doing(self, Contract(slow=slow), None))
