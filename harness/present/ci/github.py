"""What GitHub shows of a run: a job summary in Markdown, and annotations on the scenarios' lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.present.html.drawings.grid import column_name
from harness.present.html.sentence import headline
from harness.present.looks import look
from harness.results.folder import FILE
from harness.results.model import ProofRead, RunRead, SummaryRead
from harness.results.places import Location
from harness.results.reading import read_summary
from harness.results.text import one_line, shortened, visible

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
ACTIONS = "GITHUB_ACTIONS"
ROWS_MAX = 200
STORIES_MAX = 20
CELL_CHARACTERS = 200
REASON_CHARACTERS = 700
ANNOTATIONS_MAX = 50
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|<>~&@:])")


def tell_github(folder: Path, locations: Mapping[str, Location], environment: Mapping[str, str]) -> Sequence[str]:
    """Append to the job summary if GitHub asks for one. Return the annotations to print if GitHub reads them.

    `locations`: where each scenario is defined, by id. Raises UsageError and OSError.
    """
    target = environment.get(STEP_SUMMARY)
    actions = environment.get(ACTIONS) == "true"
    if not target and not actions:
        return ()
    summary = read_summary(folder / FILE)
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(markdown(summary))
    return list(annotation_lines(summary, locations)) if actions else ()


def markdown(summary: SummaryRead) -> str:
    """The verdict, what did not hold with its evidence and how to repeat it, then all runs."""
    return "\n".join(_markdown(summary)) + "\n\n"


def _markdown(summary: SummaryRead) -> Iterator[str]:
    said = headline(summary)
    yield f"## {look(said.tone).symbol} {said.word}: {_text(said.sentence)}"
    versions = ", ".join(f"{name} {version}" for name, version in summary.run.versions.items())
    yield f"\n{_text(f'{summary.run.id}: {versions}')}\n\n{_code_block(summary.run.command)}"
    bad = [run for run in summary.runs if run.role == "scenario" and run.verdict in ("failed", "inconclusive")]
    for run in bad[:STORIES_MAX]:
        yield from _story(run)
    if len(bad) > STORIES_MAX:
        yield f"\n{len(bad) - STORIES_MAX} more did not hold: see the report.\n"
    for proof in summary.wrong_proofs[:STORIES_MAX]:
        yield f"\n- **{_text(proof.verdict)}** {_text(f'{proof.id}: {proof.proof}')}: {_text(proof.reason)}"
    for finding in summary.findings[:STORIES_MAX]:
        yield f"\n- **{_text(finding.section)}** {_text(finding.sentence)}"
    yield from _table([run for run in summary.runs if run.role == "scenario"])


def _story(run: RunRead) -> Iterator[str]:
    yield f"\n### {look(run.verdict).symbol} {_text(run.id)} ({_text(column_name(run))})\n"
    yield f"{_text(shortened(one_line(run.reason), REASON_CHARACTERS))}\n"
    yield from (f"- {_text(one_line(f'{each.kind} ({each.source}): {each.detail}'))}" for each in run.evidence)
    yield f"\n{_code_block(run.repro)}"


def _table(runs: Sequence[RunRead]) -> Iterator[str]:
    yield f"\n<details><summary>All {len(runs)} runs</summary>\n"
    yield "| | scenario | under | took | slowest answer | evidence |"
    yield "|---|---|---|---:|---:|---|"
    for run in runs[:ROWS_MAX]:
        slowest = run.figures.get("slowest_ms")
        evidence = "; ".join(f"{each.kind}: {each.detail}" for each in run.evidence[:1])
        cells = (
            look(run.verdict).symbol,
            _text(run.id),
            _text(column_name(run)),
            f"{run.duration_s:.1f} s",
            "" if slowest is None else f"{slowest:.0f} ms",
            _text(shortened(one_line(evidence), CELL_CHARACTERS)),
        )
        yield f"| {' | '.join(cells)} |"
    yield "\n</details>"


def _text(text: str) -> str:
    """Escape Markdown and HTML, so that the text appears as it is."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def _code_block(line: str) -> str:
    """A line to be copied; the fence is longer than any in it."""
    longest = max((len(found) for found in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sh\n{one_line(line)}\n{fence}"


def annotation_lines(summary: SummaryRead, locations: Mapping[str, Location]) -> Iterator[str]:
    """Workflow commands: one for each run that did not hold, for each proof that failed, and for each finding."""
    found = list(_annotations(summary, locations))
    yield from found[:ANNOTATIONS_MAX]


def _annotations(summary: SummaryRead, locations: Mapping[str, Location]) -> Iterator[str]:
    for run in summary.runs:
        if run.role == "scenario" and run.verdict in ("failed", "inconclusive"):
            level = "error" if run.verdict == "failed" else "warning"
            message = f"{run.reason}\n{run.repro}"
            yield _command(level, locations.get(run.id), f"{run.id} {run.verdict}", message)
    for proof in summary.wrong_proofs:
        yield _proof(proof, locations)
    for finding in summary.findings:
        level = "warning" if finding.inconclusive or finding.warning else "error"
        title = f"{finding.section}: {finding.subject}"
        yield _command(level, locations.get(finding.subject), title, finding.sentence)


def _proof(proof: ProofRead, locations: Mapping[str, Location]) -> str:
    level = "warning" if proof.verdict == "inconclusive" else "error"
    return _command(level, locations.get(proof.id), f"{proof.id}: {proof.proof}, {proof.verdict}", proof.reason)


def _command(level: str, location: Location | None, title: str, message: str) -> str:
    placed = location is not None and location.line is not None
    parts = [f"file={_property(location.file)}", f"line={location.line}"] if location and placed else []
    parts.append(f"title={_property(one_line(title))}")
    return f"::{level} {','.join(parts)}::{_data(visible(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
