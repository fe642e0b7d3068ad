"""The lab: the only thing in a scenario that acts.

`await lab.verb()` does it to its end; `async with lab.verb()` keeps it on while the block runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from harness.engine.performer import Performer
from harness.engine.steps import (
    Alerts,
    Contract,
    Copies,
    Deliver,
    Expect,
    Heal,
    Inject,
    Limits,
    Prepare,
    Request,
    Restart,
    Roll,
    Starts,
    Supervised,
    Traffic,
    Until,
    Wait,
)
from harness.engine.workload.clients import Answer
from harness.engine.workload.load_steps import Arrivals, Capacity, ComesBack
from harness.faults.fault import Fault
from harness.history import Recorder
from harness.scenario.doing import Answers, Doing
from harness.scenario.schedule import Do
from harness.scenario.step_runner import StepRunner
from harness.vocabulary import ACKNOWLEDGED, Figure, Moment, Outcome, Start

DoingT = TypeVar("DoingT", bound=Doing[object])


class Lab(StepRunner):
    """The verbs of a scenario.

    Each verb makes a step. A step is recorded, written into the run's schedule, and can be replayed from there. It
    acts when it is awaited or entered, and only once::

        async def test_commit_applied_answer_lost(lab: Lab) -> None:
            async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
                await lab.deliver()

    The runner does the rest: steady state before, healing, recovery and the checks after. A step that is neither
    awaited nor entered fails the scenario.
    """

    def __init__(self, performer: Performer, recorder: Recorder) -> None:
        super().__init__(performer, recorder)
        self._asked: list[Doing[object]] = []

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
            expect: the outcome that it must have (check `outcome`). None: only what the contract owes, now that a fault
                has acted.
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

    def inject(self, *faults: Fault) -> Doing[None]:
        """Inject faults, in this order.

        As a block it heals them at the block's end, in reverse. Awaited, they stay until `heal`, or until the
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
        """Let time pass, where time itself is what the service must bear.

        For example, a pause that outlasts the service's memory of a failure::

            async with lab.inject(link.down(redis)):
                await lab.deliver(5)
            await lab.wait(1.2, because="the breaker stays open for a second")
            await lab.deliver()

        It is no way to wait until something has happened: on a slow machine that happens later. `until` waits for that.

        Args:
            seconds: how long, more than 0 and 600 at most.
            because: what must pass by itself, so that no moment can be waited for. Reports show it.

        Raises:
            UsageError: `seconds` is out of range, or `because` says nothing.
        """
        return self._doing(Doing(self, Wait(seconds, because=because), None))

    def restart(self, *settings: str, expect: Start = Start.ALIVE, says: str = "", hides: str = "") -> Awaitable[None]:
        """Stop the service as its operator would, and start it again, perhaps with other settings.

        It is over when the service is alive, by the target's `alive` path; it need not be ready yet. A service that
        does not start fails the run (check `alive`)::

            async with lab.inject(link.down(redis)):
                await lab.restart()
                await lab.deliver()

        With `expect=ENDS` the start must end by itself (check `ends`): within the target's `start_within_s`, with a
        status that is not 0, and before it listens::

            await lab.restart("SHOP_POOL=0", expect=ENDS, says="SHOP_POOL.*from 1")
            await lab.restart()
            await lab.deliver()

        Settings are in force until the next `restart`, or until the scenario is over: then the service is started again
        as it was.

        Args:
            settings: environment variables of this start, each `NAME=value`. `{service.port}` stands for the port at
                which the service listened last.
            expect: `ENDS` if the start must end. Otherwise the service must be alive.
            says: a regular expression that the output of a start that ends must contain: its reason.
            hides: a regular expression that this output must not contain: a password, say.

        Raises:
            UsageError: a setting is not `NAME=value`, or `says` or `hides` comes without `expect=ENDS`.
        """
        return self._doing(Doing(self, Restart(settings, expect=expect, says=says, hides=hides), None))

    def starts(self) -> Awaitable[None]:
        """Try each start of the target's `[starts]`, beside the service, which runs on: two at a time.

        One that must fail has to end by itself, before it listens, with a status that says so and its reason; the
        others have to come up. None may show a secret (check `starts`)::

            await lab.starts()

        Raises:
            UsageError: the target describes none.
        """
        return self._doing(Doing(self, Starts(), None))

    def prepare(
        self,
        *,
        copies: int = 1,
        empty: bool = False,
        tries: int = 1,
        fails: bool = False,
        says: str = "",
        hides: str = "",
    ) -> Doing[None]:
        """Run the target's `prepare` command once more: on what is stored, beside another one, or in vain.

        Each must end with status 0 (check `prepares`), and nothing that was stored may be lost::

            await lab.deliver(5)
            await lab.prepare()

        It connects as the service does, so that faults strike it. As a block it begins with the block, and is waited
        for at its end::

            async with lab.inject(hold := wire.hold(postgres.sent("COMMIT"))):
                async with lab.prepare(copies=2, empty=True):
                    await lab.until(hold.fired())
                    await lab.heal(hold)

        Args:
            copies: how many at once, 1 to 20.
            empty: on an empty database, which goes with the step. Otherwise on the service's own.
            tries: one that fails is run again on the same database, as a deployment would, and the last must end with
                status 0; 1 to 20.
            fails: each must end with a status that is not 0.
            says: a regular expression that the last output of each must contain.
            hides: a regular expression that no output may contain: a password, say.

        Raises:
            UsageError: the target has no `prepare`, or a number is out of range.
        """
        step = Prepare(copies=copies, empty=empty, tries=tries, fails=fails, says=says, hides=hides)
        return self._doing(Doing(self, step, None))

    def copies(self, n: int = 2) -> AbstractAsyncContextManager[None]:
        """Have several processes of the service at once while the block runs, on one database and one Redis.

        All have the same settings and the same links, and requests take turns: the copies of a delivery go to different
        processes, and what one has acknowledged another is asked for. The block's end asks the further ones to end, and
        they drain (check `drains`)::

            async with lab.copies(2):
                await lab.deliver(5, copies=2)
                await lab.contract()

        A fault of a link strikes all of them, and one of the process the first. If one of them answered nothing, the
        run is inconclusive.

        Args:
            n: how many there are then, 2 to 5.

        Raises:
            UsageError: `n` is out of range.
        """
        return self._doing(Doing(self, Copies(n), None))

    def roll(self) -> Doing[None]:
        """Make a rolling change: a new process of the service starts, then the old one is asked to end (SIGTERM).

        While a block runs, both serve, and requests take turns. At its end the new one gets all of them, and the old
        one drains what it has (check `drains`)::

            async with lab.traffic(clients=4):
                await lab.roll()
        """
        return self._doing(Doing(self, Roll(), None))

    def supervised(self, *, restarts: int = 3) -> AbstractAsyncContextManager[None]:
        """Have a supervisor start the service again while the block runs, whenever it has ended.

        As supervisors do that restart on failure, it does so after a signal or a status that is not 0. Who ends it with
        status 0 wants it to stay away. An end after which the supervisor starts it again is no failure; one too many
        is (check `alive`). The block's end waits until the service is alive again::

            async with lab.supervised(), lab.traffic(clients=4, expect=ANY_OUTCOME):
                await lab.inject(process.kill(at=postgres.sent("COMMIT")))
                await lab.until(service.answers(at_least=50, outcome=ACKNOWLEDGED))

        Args:
            restarts: how often at most, 1 to 100.

        Raises:
            UsageError: `restarts` is out of range.
        """
        return self._doing(Doing(self, Supervised(restarts=restarts), None))

    def alerts(self, *fires: str) -> AbstractAsyncContextManager[None]:
        """Have a Prometheus watch the service while the block runs, by production's rules (check `alerts`).

        Each alert named must be pending, then fire, and end once its cause is gone; no other one may fire. The block's
        end waits for that, so the fault is healed within the block, and what the alert counts goes on::

            async with lab.alerts("WebhookDegraded"), lab.traffic(clients=2):
                async with lab.inject(link.down(redis)):
                    await lab.until(service.alert("WebhookDegraded"), within_s=20)

        The target says where the rules are, and how much faster than in production they run (`[alerts]`). The service
        may not be started anew in the block: Prometheus would ask at the old port.

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
            figure: what to read: a metric of the service's, how often a statement is sent for each request, how many
                connects come at once.
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
        """Set a limit for a figure over a block: from its begin to its end (check `figure`).

        What came before the block, and what follows it, does not count::

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

    def _doing(self, doing: DoingT) -> DoingT:
        self._asked.append(doing)
        return doing

    def check_all_used(self) -> None:
        """Raise StepMisuseError for a step that was made and never begun."""
        for doing in self._asked:
            doing.check_used()
