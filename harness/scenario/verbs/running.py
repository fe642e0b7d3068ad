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
        """Restart the service as its operator would, if you want with other settings.

        The step is done when the service is alive, by the target's `alive` path; it need not be ready yet. If the
        service does not start, the run fails (check `alive`)::

            async with lab.inject(link.down(redis)):
                await lab.restart()
                await lab.deliver()

        With `expect=ENDS` the start must end by itself (check `ends`): within the target's `start_within_s`, with a
        status that is not 0, and before it listens::

            await lab.restart("SHOP_POOL=0", expect=ENDS, says="SHOP_POOL.*from 1")
            await lab.restart()
            await lab.deliver()

        Settings are in force until the next `restart`, or until the scenario ends; then the service is restarted with
        its usual settings. Before each restart the checks judge what the process still holds, as at the run's end.

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
        """Try each start of the target's `[starts]` beside the running service, two at a time.

        A start that must fail has to end by itself, before it listens, with the expected status and reason. Every other
        start has to come up. None may show a secret (check `starts`)::

            await lab.starts()

        Raises:
            UsageError: the target describes none.
        """
        return self._doing(Doing(self, Starts(), None))

    def variants(self) -> Awaitable[None]:
        """Send every variant of the target's usual requests, and compare each answer with the approved one.

        A variant differs from the usual request in one thing: a header is there twice, the id has another letter, the
        path has a dot, the body was changed after signing. What the service answers and stores must agree with
        `answers.toml` beside the target (check `answers_as_approved`). `harness answers --update` writes that file.
        Send nothing else meanwhile::

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
        """Run the target's `prepare` command again, for example a migration over stored rows.

        Each run of the command must end with status 0 (check `prepares`), and no stored row may be lost::

            await lab.deliver(5)
            await lab.prepare()

        The command connects like the service, so faults strike it. As a block, the command starts at the block's
        beginning, and the block's end waits for it::

            async with lab.inject(hold := wire.hold(postgres.sent("COMMIT"))):
                async with lab.prepare(copies=2, empty=True):
                    await lab.until(hold.fired())
                    await lab.heal(hold)

        Args:
            copies: how many commands run at once, 1 to 20.
            empty: use an empty database, which is deleted after the step. Otherwise the service's own database is used.
            tries: how often a failed command is run again on the same database, as a deployment would do, 1 to 20. The
                last one must end with status 0.
            fails: each must end with a status that is not 0.
            says: a regular expression that the last output of each must contain.
            hides: a regular expression that no output may contain: a password, say.

        Raises:
            UsageError: the target has no `prepare`, or a number is out of range.
        """
        step = Prepare(copies=copies, empty=empty, tries=tries, fails=fails, says=says, hides=hides)
        return self._doing(Doing(self, step, None))

    def copies(self, n: int = 2) -> AbstractAsyncContextManager[None]:
        """Run several processes of the service while the block runs, on one database and one Redis.

        All have the same settings and the same links, and requests take turns. So the copies of a delivery go to
        different processes, and a read asks another process than the one that acknowledged. The block's end stops the
        additional processes, which must drain (check `drains`)::

            async with lab.copies(2):
                await lab.deliver(5, copies=2)
                await lab.contract()

        A fault of a link strikes all processes; a fault of the process strikes the first. If a process answered
        nothing, the run is inconclusive.

        Args:
            n: the number of processes, 2 to 5.

        Raises:
            UsageError: `n` is out of range.
        """
        return self._doing(Doing(self, Copies(n), None))

    def roll(self) -> Doing[None]:
        """Make a rolling change: a new process of the service starts, then the old one is asked to end (SIGTERM).

        While a block runs, both processes serve, and requests take turns. At the block's end the new process gets all
        requests, and the old one finishes those that it has (check `drains`)::

            async with lab.traffic(clients=4):
                await lab.roll()
        """
        return self._doing(Doing(self, Roll(), None))

    def supervised(self, *, restarts: int = 3) -> AbstractAsyncContextManager[None]:
        """Restart the service whenever it has ended while the block runs, as a supervisor would.

        It restarts the service after a signal or a status that is not 0, like a supervisor with "restart on failure". A
        service that ends with status 0 is not restarted. An end with a restart is not a failure; more ends than
        `restarts` are (check `alive`). The block's end waits until the service is alive again::

            async with lab.supervised(), lab.traffic(clients=4, expect=ANY_OUTCOME):
                await lab.inject(process.kill(at=postgres.sent("COMMIT")))
                await lab.until(service.answers(at_least=50, outcome=ACKNOWLEDGED))

        Args:
            restarts: how many restarts at most, 1 to 100.

        Raises:
            UsageError: `restarts` is out of range.
        """
        return self._doing(Doing(self, Supervised(restarts=restarts), None))
