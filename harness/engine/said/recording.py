"""Records the log lines and metrics of a run's service, and those that are not as approved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.facts.exchanges import Exchange, exchanges
from harness.engine.observing.service.probes import Probed
from harness.engine.rig import Rig
from harness.engine.said.approved import approved_of
from harness.engine.said.comparing import other_families, other_lines
from harness.engine.said.families import families_said
from harness.engine.said.lines import LogLine, blames, read_lines
from harness.engine.said.shapes import NO_ANSWER, Told, lines_said, told_of, without
from harness.errors import HarnessError
from harness.history.events import (
    CountsLogged,
    FamilySaid,
    LineSaid,
    MetricsSaid,
    SaidCompared,
    SeriesLogged,
    ServerBlamed,
    ServiceNotStarted,
    VariantAnswered,
)
from harness.target.sections.series import parts_of
from harness.target.sections.service_log import CountedDescription, LineFields

OTHERS_KEPT = 20


@dataclass(slots=True)
class Saying:
    """The log lines and metrics of one run's service.

    `first`: its metrics before the scenario, when its log had `mark` bytes.
    """

    rig: Rig
    first: Probed | None
    mark: int
    last: Probed | None = None
    end: int = 0

    def at_rest(self, probed: Probed | None) -> None:
        """Keep the metrics at rest: they do not count later log lines."""
        self.last, self.end = probed, self.rig.site.service.log.size()

    def record(self) -> None:
        """Record all lines and metrics, unless a part of the service's output was lost."""
        described, service = self.rig.target.description.log, self.rig.site.service
        if described.fields is None or service.output_was_lost:
            return
        logs = [read_lines(text.splitlines(), described.fields) for text in service.judged_logs()]
        families = [] if self.first is None else families_said(self.first.text, (self.last or self.first).text)
        self._record_lines([log for log in logs if log], families, described.fields)
        self._record_blame([line for log in logs for line in log])
        self._record_counts(described.fields)

    def _record_lines(
        self, logs: Sequence[Sequence[LogLine]], families: Sequence[FamilySaid], fields: LineFields
    ) -> None:
        apart, told = self.rig.site.service.alone, self._told()
        for said in lines_said(logs, told, fields, apart=apart):
            self._tell(said)
        if families:
            self._tell(MetricsSaid(tuple(families)))
        approved = approved_of(self.rig.target) if self._is_as_approved() else None
        if approved is not None:
            other = [*other_lines(logs, told, approved, fields, apart=apart)]
            other += other_families(families, approved) if families else ()
            series = sum(len(each.shows) + len(each.later) for each in families)
            self._tell(SaidCompared(sum(map(len, logs)), series, tuple(other[:OTHERS_KEPT])))

    def _is_as_approved(self) -> bool:
        """Whether the service runs in the way that the file describes.

        Without a protection it may log other things. So may a service that has died or did not start: then the check
        `alive` fails, and shows its last lines.
        """
        started = self.rig.recorder.history.last(ServiceNotStarted) is None
        return self.rig.is_usual and self.rig.site.service.running and started

    def _told(self) -> Told:
        history = self.rig.recorder.history
        told = told_of((each.sent.delivery, _answer(each)) for each in exchanges(history))
        return without(told, {each.delivery for each in history.of(VariantAnswered)})

    def _record_blame(self, lines: Sequence[LogLine]) -> None:
        """For each link whose server the log can blame: how often it does."""
        for name, about in self.rig.target.description.log.blames.items():
            blaming = [line for line in lines if blames(line, about)]
            near = self.rig.target.description.links_beside(name)
            named = tuple(line.delivery for line in blaming)
            self._tell(ServerBlamed(name, near, len(lines), len(blaming), blaming[0].text if blaming else "", named))

    def _record_counts(self, fields: LineFields) -> None:
        counted = self.rig.target.description.log.counted
        if not counted or self.first is None or self.last is None or self.first.pid != self.last.pid:
            return
        if not self.rig.site.service.alone:
            return  # the log covers all processes, and a counter only one
        text = self.rig.site.service.log.read(self.mark, self.end)
        lines = read_lines(text.splitlines(), fields)
        counts = [each for name, about in counted.items() for each in self._counts(name, about, lines)]
        self._tell(CountsLogged(tuple(counts)))

    def _counts(self, series: str, about: CountedDescription, lines: Sequence[LogLine]) -> Iterator[SeriesLogged]:
        """Count the lines and the counter's growth, for each value of the label if there is one."""
        told = [line.fields for line in lines if line.event in about.events]
        told = [each for each in told if all(str(each.get(key)) == value for key, value in about.where.items())]
        if about.by is None:
            yield SeriesLogged(series, self._grown(series), len(told))
            return
        values = {str(each.get(about.by)) for each in told} | (self.last.values(about.by) if self.last else set())
        for value in sorted(values):
            one = f'{series}{{{about.by}="{value}"}}'
            grown, seen = self._grown(one), sum(str(each.get(about.by)) == value for each in told)
            if grown or seen:
                yield SeriesLogged(one, grown, seen)

    def _grown(self, series: str) -> float:
        return _value(self.last, series) - _value(self.first, series)

    def _tell(self, event: LineSaid | MetricsSaid | SaidCompared | CountsLogged | ServerBlamed) -> None:
        self.rig.recorder.record("service", event)


def _answer(exchange: Exchange) -> str:
    ended = exchange.ended
    return NO_ANSWER if ended is None or ended.status is None else str(exchange.outcome)


def _value(probed: Probed | None, series: str) -> float:
    try:
        return 0.0 if probed is None else probed.get(*parts_of(series))
    except HarnessError:
        return 0.0  # it is not shown: another check reports that


__all__ = ["Saying"]
