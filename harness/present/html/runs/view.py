"""One run, as the report page shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from harness.errors import UsageError
from harness.history import History, read_history
from harness.history.events import ServiceLog, UnhandledLogged
from harness.present.html.drawings.grid import column_name
from harness.present.html.drawings.timeline import Timeline, timeline_of, zero_of
from harness.present.html.earlier_runs import Before
from harness.present.html.runs.answers import AnswerRow, answer_rows
from harness.present.html.runs.check_rows import CheckShown, checks_seen
from harness.present.html.runs.chronicle import Chronicle, StoryLine, chronicle_of
from harness.present.html.runs.detail import Detail
from harness.present.html.runs.exceptions import Raised, exceptions_in
from harness.present.html.runs.logs import Excerpt, LogFile, epoch_s
from harness.present.html.runs.source import NOTHING, Source, source_in
from harness.present.looks import look
from harness.results.model import ProofRead, RunRead

BEFORE_S, AFTER_S = 0.05, 0.25
"""How much of the logs is shown around the fault."""
STORY_MAX = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """`place`: in the summary, and in the run's anchor. `proofs`: those that use this run.

    `as_wanted`: it held, or failed as a proof demands. `problem`: why its history is not shown. `packed`: the page
    contains it compressed.
    """

    place: int
    record: RunRead
    under: str
    proofs: Sequence[ProofRead]
    as_wanted: bool
    zero_s: float = 0.0
    timeline: Timeline | None = None
    story: Sequence[StoryLine] = ()
    story_left_out: int = 0
    answers: Sequence[AnswerRow] = ()
    checks: Sequence[CheckShown] = ()
    exceptions: Sequence[Raised] = ()
    logs: Sequence[Excerpt] = ()
    before: Sequence[Before] = ()
    links: Sequence[tuple[str, str]] = ()
    seen: Sequence[str] = ()
    """Its evidence. What distinguishes it from other runs comes first."""
    source: Source = NOTHING
    problem: str = ""
    packed: bool = False

    @property
    def anchor(self) -> str:
        """The anchor that links lead to. It does not contain the scenario's name."""
        return f"run-{self.place}"

    @property
    def symbol(self) -> str:
        """The verdict that its row shows: an ablated run is there for its proof's sake."""
        if self.record.role == "ablated" and self.proofs:
            return next((proof.verdict for proof in self.proofs if proof.verdict != "proved"), "proved")
        return self.record.verdict

    @property
    def tone(self) -> str:
        """The colour behind its reason: a failure that a proof demands is no cause for concern."""
        return "plain" if self.as_wanted and self.record.verdict == "failed" else look(self.record.verdict).tone

    @property
    def word(self) -> str:
        """Its verdict in words. A run that had to fail is marked as such, because it is not a regression."""
        if self.as_wanted and self.record.verdict == "failed":
            return "failed, as its proof wants" if len(self.proofs) == 1 else "failed, as its proofs want"
        return str(self.record.verdict)

    @property
    def word_tone(self) -> str:
        """The colour of those words."""
        return "na" if self.tone == "plain" else look(self.record.verdict).tone

    @property
    def said(self) -> str:
        """The text of its row: its evidence, its proof's verdict, or why it did not hold."""
        if self.record.role == "ablated" and self.proofs:
            return "; ".join(f"{proof.verdict}: {proof.reason}" for proof in self.proofs)
        if self.record.verdict != "held":
            return self.record.reason
        return "; ".join(self.seen[:2])

    @property
    def side_by_side(self) -> bool:
        """Whether servers of other runs, at the same time, are among the logs."""
        return len({log.source.partition("/")[0] for log in self.logs if "/" in log.source}) > 1

    @property
    def words(self) -> str:
        """The text that the filter searches."""
        record = self.record
        proofs = [f"{proof.proof} {proof.verdict}" for proof in self.proofs]
        parts = (record.id, record.theme, self.under, record.role, record.verdict, record.reason, *proofs)
        return " ".join(parts).lower()

    @property
    def group(self) -> str:
        """The name by which the filter's buttons select it."""
        return "proof" if self.record.role == "ablated" else self.record.verdict


@dataclass(slots=True)
class Shelf:
    """The files of a results folder. Each log is read only once."""

    folder: Path
    servers: dict[Path, Sequence[LogFile]] = field(default_factory=dict)
    sources: dict[Path, Source] = field(default_factory=dict)

    def history(self, run: RunRead) -> History:
        """Read a run's history. Raises UsageError."""
        if run.history is None:
            raise UsageError("it left no history")
        path = (self.folder / run.history).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise UsageError(f"{run.history} is outside of the results folder")
        return read_history(path)

    def source(self, run: RunRead) -> Source:
        """Return the scenario's source; nothing if the run kept none."""
        if run.source is None:
            return NOTHING
        path = (self.folder / run.source).resolve()
        if path not in self.sources:
            below = path.is_relative_to(self.folder.resolve())
            self.sources[path] = source_in(path) if below else NOTHING
        return self.sources[path]

    def own_log(self, run: RunRead) -> Path:
        """Return the service's log of this run."""
        return self._beside(run) / "logs" / f"{run.key}.log"

    def server_logs(self, run: RunRead) -> Sequence[LogFile]:
        """Return the servers' logs: from the run's own stack if it had one, else from the shared stack."""
        for folder in (self._beside(run) / "logs" / str(run.key), self._beside(run) / "logs", self.folder / "logs"):
            if folder not in self.servers:
                self.servers[folder] = _opened(folder)
            if self.servers[folder]:
                return self.servers[folder]
        return ()

    def _beside(self, run: RunRead) -> Path:
        return self.folder / Path(run.history or "").parent.parent

    def links(self, run: RunRead) -> Iterator[tuple[str, str]]:
        """Return links to files, by label, as addresses relative to the report."""
        log = self.own_log(run)
        named = (("history", run.history), ("schedule", run.schedule), ("source", run.source))
        for words, name in named:
            if name and (self.folder / name).exists():
                yield words, quote(name)
        if log.exists():
            yield "service's log", quote(log.relative_to(self.folder).as_posix())


def _opened(folder: Path) -> Sequence[LogFile]:
    """Open the logs of the servers, one folder each. A run's own folder has its profile after an `@`."""
    if not folder.is_dir():  # the name comes from a file, and may be no path at all: glob would raise
        return []
    paths = [*sorted(folder.glob("*.log")), *sorted(folder.glob("*/*.log"))]
    logs = [path for path in paths if "@" not in path.name and path.stat().st_size]
    return [LogFile(path, path.relative_to(folder).with_suffix("").as_posix()) for path in logs]


@dataclass(frozen=True, slots=True)
class Context:
    """What is known about a run besides its record."""

    proofs: Sequence[ProofRead]
    seen: Sequence[str]
    before: Sequence[Before]
    detail: Detail


def run_view(place: int, run: RunRead, shelf: Shelf, context: Context) -> RunView:
    """Read the run's files, and lay them out."""
    view = dataclasses.replace(_head(place, run, context), source=shelf.source(run))
    if not context.detail.history:
        failed = [each for each in view.checks if each.failed]
        return dataclasses.replace(view, checks=failed, links=list(shelf.links(run)))
    try:
        history = shelf.history(run)
    except UsageError as problem:
        return dataclasses.replace(view, problem=problem.message)
    chronicle, detail = chronicle_of(history), context.detail
    view = dataclasses.replace(
        view,
        exceptions=exceptions_in(_logged(history)) if detail.exceptions else (),
        links=list(shelf.links(run)),
    )
    return view if chronicle is None else _told(view, chronicle, shelf, detail)


def _told(view: RunView, chronicle: Chronicle, shelf: Shelf, detail: Detail) -> RunView:
    titled = len(chronicle.requests) <= detail.titled_points
    return dataclasses.replace(
        view,
        zero_s=zero_of(chronicle),
        timeline=timeline_of(chronicle, titled=titled),
        story=chronicle.story[:STORY_MAX],
        story_left_out=max(0, len(chronicle.story) - STORY_MAX),
        answers=answer_rows(chronicle.requests),
        logs=list(_excerpts(view.record, chronicle, shelf, detail)) if detail.log_lines else (),
    )


def _head(place: int, run: RunRead, context: Context) -> RunView:
    proofs = context.proofs
    proved = run.role == "ablated" and all(proof.verdict == "proved" for proof in proofs)
    held = run.verdict == "held" and run.role != "ablated"
    return RunView(
        place=place,
        record=run,
        under=column_name(run),
        proofs=proofs,
        checks=checks_seen(run),
        as_wanted=proved or held,
        before=context.before,
        seen=context.seen,
        packed=context.detail.packed,
    )


def _logged(history: History) -> str:
    texts = [log.text for log in history.of(ServiceLog)]
    return "\n".join(texts) or "\n".join(found.line for found in history.of(UnhandledLogged))


def _excerpts(run: RunRead, chronicle: Chronicle, shelf: Shelf, detail: Detail) -> Iterator[Excerpt]:
    anchor = epoch_s(chronicle.wall_clock)
    if anchor is None:
        return
    from_s, to_s = _window(chronicle)
    own = shelf.own_log(run)
    service = [LogFile(own, "service")] if own.exists() else []
    for file in (*service, *shelf.server_logs(run)):
        found = file.within(
            anchor + from_s, anchor + to_s, lines_max=detail.log_lines, characters=detail.log_characters
        )
        shift = from_s - zero_of(chronicle)
        yield Excerpt(found.source, [(at_s + shift, text) for at_s, text in found.lines], found.left_out)


def _window(chronicle: Chronicle) -> tuple[float, float]:
    """From the first fault to the last heal; without a fault, the scenario's own time."""
    spans = [fault.span for fault in chronicle.faults]
    spans = spans or [phase for phase in chronicle.phases if phase.name == "scenario"]
    if not spans:
        return 0.0, chronicle.end_s
    return min(span.from_s for span in spans) - BEFORE_S, max(span.to_s for span in spans) + AFTER_S
