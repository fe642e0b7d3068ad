"""The service under test, and the moments and figures that it gives."""

from __future__ import annotations

from dataclasses import dataclass

from harness.vocabulary.figures import BytesPerRequest, LinesLogged, Metric, RowsLost, WithoutWrites
from harness.vocabulary.moments import AlertFires, Answers, MetricIs, Moment, ServiceLogged
from harness.vocabulary.outcome import ANY_OUTCOME, Outcome


@dataclass(frozen=True)
class Service:
    """The service under test: moments that its clients, its log or its metrics show.

    For example::

        await lab.until(service.answers(at_least=50, outcome=ACKNOWLEDGED))
        await lab.until(service.logged("Error 22"))
        lab.expect(service.metric("webhook_retries_total"), at_most=0)
    """

    def answers(self, at_least: int, outcome: Outcome = ANY_OUTCOME) -> Moment:
        """At least `at_least` answers with this outcome have come since the last `inject` or `heal` began.

        For example::

            await lab.until(service.answers(at_least=50, outcome=ACKNOWLEDGED))

        It is a claim: if it is not reached in time, the scenario fails by the check `reached`. Only answers to the
        harness's own clients count.

        Args:
            at_least: how many, 1 or more.
            outcome: which ones count; several with `|`.

        Raises:
            UsageError: `at_least` is less than 1.
        """
        return Answers(at_least, outcome)

    def logged(self, pattern: str) -> Moment:
        """The service's log has, since the last `inject` or `heal` began, a line that the expression finds.

        For example::

            await lab.until(service.logged("Error 22"))

        The log is what the service writes to its standard output and standard error. If the line does not come in time,
        the run is inconclusive.

        Args:
            pattern: a regular expression, searched in each line.

        Raises:
            UsageError: it is not a regular expression.
        """
        return ServiceLogged(pattern)

    def alert(self, name: str) -> Moment:
        """The alert with this name fires in the Prometheus that watches the service (`lab.alerts`).

        For example::

            async with lab.alerts("WebhookDegraded"):
                async with lab.traffic(clients=2), lab.inject(link.down(redis)):
                    await lab.until(service.alert("WebhookDegraded"), within_s=20)

        It is a claim: if the alert does not fire in time, the scenario fails by the check `reached`.

        Args:
            name: the alert's name in the rules.
        """
        return AlertFires(name)

    def metric_is(
        self, name: str, *, at_least: float | None = None, at_most: float | None = None, **labels: str
    ) -> Moment:
        """One of the service's own metrics is now within these limits.

        For example, where a standby has all that its primary has, and nothing more is written::

            await lab.until(service.metric_is("webhook_replica_lag_seconds", at_most=0.3), within_s=3)

        It is a claim: where it is not reached in time, the scenario fails by the check `reached`. The metric is read
        again and again, as Prometheus would.

        Args:
            name: the metric's name, as the service gives it.
            at_least: its value is not below.
            at_most: its value is not above.
            labels: only samples that have all of these count; what is left is added up.

        Raises:
            UsageError: there is no limit, or it is not a metric's name.
        """
        return MetricIs(name, tuple(f"{label}={value}" for label, value in labels.items()), at_least, at_most)

    def metric(self, name: str, **labels: str) -> Metric:
        """By how much one of the service's own metrics has grown over the scenario. Judged by `lab.expect`.

        For example::

            lab.expect(service.metric("webhook_degraded_total", reason="redis_failed"), at_most=5)

        The harness reads it where the target description says (`[probes] metrics`), in the text format of Prometheus,
        before the scenario's first step and after its last.

        Args:
            name: the metric's name, as the service gives it.
            labels: only samples that have all of these count; what is left is added up.
        """
        return Metric(name, tuple(f"{label}={value}" for label, value in labels.items()))

    def lines(self, pattern: str) -> LinesLogged:
        """How many lines of the service's log the expression finds, over the scenario. Judged by `lab.expect`.

        For example, where each refusal has to name what PostgreSQL said::

            lab.expect(service.lines("refused.*40001"), at_least=3)

        All its processes write into that log, also after a restart. If one of them could not write, the figure is
        unknown and the run is inconclusive.

        Args:
            pattern: a regular expression, searched in each line.

        Raises:
            UsageError: it is not a regular expression.
        """
        return LinesLogged(pattern)

    @property
    def bytes_per_request(self) -> BytesPerRequest:
        """By how many bytes the service's memory has grown for each request. Judged by `lab.expect`.

        For example, when small deliveries were sent while a server was away::

            lab.expect(service.bytes_per_request, at_most=150)

        The kernel says how much memory the service's processes have. It takes 900 requests to tell what is kept from
        what a process needs while it warms up; in a run with fewer the figure is unknown, and the run inconclusive.
        """
        return BytesPerRequest()

    @property
    def rows_lost(self) -> RowsLost:
        """How many acknowledged deliveries were lost by a failover: the new primary lacked them. See `lab.expect`.

        For example, with `server.promote(postgres, standby="asynchronous")`::

            lab.expect(service.rows_lost, at_most=5)

        A limit says that so many may be lost; without one each lost row fails the run, and with a synchronous standby
        it always does. The harness compares what both nodes have stored. A row that is stored again later has been lost
        all the same. Without a failover the figure is unknown, and the run inconclusive.
        """
        return RowsLost()

    @property
    def without_writes(self) -> WithoutWrites:
        """How long a failover left the service without an acknowledged delivery, divided by the failover's own time.

        For example::

            lab.expect(service.without_writes, at_most=20)

        Both times begin when the old primary has ended. The failover itself is over when the new primary accepts writes
        at the same address: a service that goes on at once has 1. Deliveries must be sent during the failover, and one
        must be acknowledged afterwards; otherwise the figure is unknown, and the run is inconclusive.
        """
        return WithoutWrites()


service = Service()
