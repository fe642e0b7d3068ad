"""Verbs for the service's own processes: started again, beside one another, or prepared."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager

from harness.engine.steps import Copies, Prepare, Restart, Roll, Starts, Supervised, Variants
from harness.scenario.doing import Doing
from harness.scenario.verbs.verbs import Verbs
from harness.vocabulary import Start


class Running(Verbs):
    """Verbs for the service's own processes: started again, beside one another, or prepared."""

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
        as it was. What such a start still holds before another replaces it is judged as what is left at the run's end.

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

    def variants(self) -> Awaitable[None]:
        """Send every variant of the target's usual requests, and compare each answer with the approved one.

        A variant has one thing unlike: a header that is there twice, an id with another letter, a path with a dot, a
        body that was changed after signing. What the service answers, and what it stores of it, has to be what
        `answers.toml` beside the target says (check `answers_as_approved`); `harness answers --update` writes that
        file. Nothing else may be sent meanwhile::

            await lab.variants()

        Raises:
            UsageError: the target has no `answers.toml`.
        """
        return self._doing(Doing(self, Variants(), None))

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
