"""Decides whether a run may become the baseline: it must be whole, good, and of a commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.compare.record import SuiteRecord, not_tried
from harness.errors import UsageError
from harness.results.model import SummaryRead
from harness.results.revision import commit_of, is_dirty

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a run is compared with: the present suite, and the working tree.

    `titles`: the titles of each scenario's proofs, by id. `revision`: the working tree's, in the form of the run's own.
    `uncommitted`: the differences from it.
    """

    target_file: str
    profile: str
    titles: Mapping[str, Sequence[str]]
    revision: str
    uncommitted: Sequence[str]


def check_acceptable(summary: SummaryRead, record: SuiteRecord, ground: Ground, *, place: str) -> None:
    """Raise UsageError, with every reason, for a run that is dirty, partial or not good."""
    reasons = [*_not_good(summary), *_partial(summary, record, ground), *_dirty(summary, ground)]
    if reasons:
        told = "".join(f"\n  - {reason}" for reason in reasons)
        raise UsageError(
            f"{place}: run {summary.run.id} cannot become the baseline:{told}",
            hint="commit what there is, run `python -m harness ablate`, and accept that run",
        )


def _not_good(summary: SummaryRead) -> Iterator[str]:
    if not summary.complete:
        yield "incomplete: it was ended before all was run"
    elif summary.exit_status != 0:
        yield f"not good: it ended with exit status {summary.exit_status}"


def _partial(summary: SummaryRead, record: SuiteRecord, ground: Ground) -> Iterator[str]:
    if summary.run.target != ground.target_file:
        yield f"of another target: {summary.run.target}, not {ground.target_file}"
    if summary.run.profile != ground.profile:
        yield f"of another profile: {summary.run.profile}, not {ground.profile}"
    missing = sorted(set(ground.titles) - set(record.scenarios))
    if missing:
        yield f"partial: not run with everything on: {_some(missing)}"
    unknown = sorted(set(record.scenarios) - set(ground.titles))
    if unknown:
        yield f"of another suite: no scenario is called {_some(unknown)}"
    known = {name: titles for name, titles in ground.titles.items() if name in record.scenarios}
    untried = sorted(not_tried(record, known))
    if untried:
        yield f"partial: proofs that were not tried: {_some(untried)}"


def _dirty(summary: SummaryRead, ground: Ground) -> Iterator[str]:
    if is_dirty(summary.run.revision):
        yield "dirty: when it was run, the working tree differed from its commit"
    if ground.uncommitted:
        yield f"dirty: not committed now: {_some([line.strip() for line in ground.uncommitted])}"
    ran, now = (commit_of(text) for text in (summary.run.revision, ground.revision))
    if ran != now:
        yield f"of another commit: {ran or 'none'}, not {now or 'none'}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
