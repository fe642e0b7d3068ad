"""Verbs for what is sent to the service, one request or many of the contract's."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from harness.engine.steps import Contract, Deliver, Request
from harness.engine.workload.clients import Answer
from harness.scenario.doing import Answers, Doing
from harness.scenario.verbs.verbs import Verbs
from harness.vocabulary import ACKNOWLEDGED, Moment, Outcome


class Sending(Verbs):
    """Verbs for what is sent to the service, one request or many of the contract's."""

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

        Awaited, it gives the answers. As a block it sends at the beginning and waits at the end, so that something
        can happen meanwhile; the answers are filled then, and looking at them inside of the block is refused::

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
            hang_up_at: a moment at which the clients close their connections, without having had an answer. At a
                message, such as `postgres.sent("COMMIT")`, one client comes after the other, and the relay holds each
                one's message until its socket is closed; `wire.hang_up` does so to all at once. At any other moment
                they come at once, and hang up when it is seen. If none hung up, the run is inconclusive.

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
        """Send one request of the target's contract, by its name. As a block: it is under way while the block runs.

        For example, a delivery that is refused, sent once more when all is well, and then read::

            await lab.deliver(expect=REFUSED)
            await lab.heal(link.down(postgres))
            await lab.request("again")
            await lab.request("delivery", expect=ACKNOWLEDGED)

        Args:
            name: one of the target's `[reads]`, `[right]` or `[wrong]`; `alive` or `ready`; `again`: the delivery once
                more; `taken`: another body under its id.
            of: which delivery of the scenario's it is about, counted like the items of a list: -1 is the last. None:
                one that was never sent.
            expect: the outcome that it must have (check `outcome`). None: what the contract owes when
                nothing is broken.
            within_ms: ask again until the outcome is as expected, for so many milliseconds: the service stores later.

        Raises:
            UsageError: the target has no such request, or the scenario has not sent such a delivery.
        """
        return self._doing(Doing(self, Request(name, of=of, expect=expect, within_ms=within_ms), None))

    def contract(self, *, slow: bool = False) -> Awaitable[None]:
        """Send every request of the target's contract once, and judge each by what the service owes now.

        Reads of what was acknowledged and of ids that were never sent, repeats, another body under a taken id, the same
        id of other senders, unusual deliveries, requests that must be rejected, health. While something is broken the
        service may say "not now" to each, but nothing that is false::

            async with lab.inject(link.down(postgres)):
                await lab.contract()

        After a fault they are sent at once. Every run sends them too, before the scenario and after its recovery: of
        the many that must be acknowledged or rejected one in eight each time.

        Args:
            slow: of the right and the wrong ones those that the target calls slow, and no others: each takes seconds.
        """
        return self._doing(Doing(self, Contract(slow=slow), None))
