"""What the terminal shows, as lines of styled pieces: the same for a terminal and a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.checks import Verdict
from harness.present.html import REPORT
from harness.present.looks import BOLD, DIM, DOUBT, PLAIN, look
from harness.present.terminal.causes import cause_lines
from harness.present.terminal.pieces import Line, Piece, by_style, cut, indented
from harness.present.terminal.views.story import LABEL_WIDTH, details
from harness.results import Evidence, RunKey, RunResult
from harness.results.ablation import PairVerdict, ProofResult
from harness.results.finding import UNPROVED
from harness.results.folder import ResultsFolder
from harness.results.summary import Summary
from harness.results.text import counted, listed, one_line, shortened
from harness.vocabulary import Value

DONE_CHARACTERS = 300
WORD_WIDTH = 14
"""The width of the longest verdict and a space."""

NOT_HELD = "    "
BEYOND_CHARACTERS = 160
"""For findings beyond the runs: they are shown in full above this line."""
IDLE_NAMED = 5
"""If a target describes little, many checks are idle. How many of them are named; the report has all."""
TABLE_THEMES_MIN = 2
THEME_WIDTH = 24


def shown_key(key: RunKey, profile: str) -> str:
    """The id, and how the run differs from the session's own profile."""
    extra = [f"under {key.profile}"] if key.profile != profile else []
    extra += [f"without {', '.join(key.without)}"] if key.without else []
    return " ".join([key.id, *extra])


def verdict_line(verdict: str, name: str, *rest: str) -> Line:
    """Return mark, word, name and a note in one line. `verdict`: of any kind."""
    looks = look(verdict)
    said = "  ".join(one_line(text) for text in rest if text)
    head = (f"{looks.mark} {verdict:{WORD_WIDTH}}", looks.style)
    return by_style(head, (name, BOLD), (f"  {said}" if said else "", PLAIN))


def run_lines(result: RunResult, note: str, *, profile: str, verbose: bool, steps: Sequence[str]) -> Iterator[Line]:
    """One line for a run, and the story of one that did not hold."""
    name = shown_key(result.key, profile)
    if result.verdict is Verdict.UNAVAILABLE:
        yield verdict_line(result.verdict, name, result.reason, note)
        return
    seconds, lost = f"{result.duration_s:.1f} s", _lost(result)
    if result.verdict is Verdict.HELD:
        yield verdict_line(result.verdict, name, seconds, lost, evidence_text(result, complete=verbose))
    else:
        yield verdict_line(result.verdict, name, seconds, lost)
        yield from _story(result, () if verbose else steps)
    if note:
        yield _labelled("proof", note)
    if verbose:
        yield from _more(result, steps)


def _lost(result: RunResult) -> str:
    """What a failover cost, if the scenario allowed that. It is shown even if the run held."""
    rows = round(result.figures.get("rows_lost", 0))
    return f"{counted(rows, 'acknowledged row')} lost in a failover" if rows else ""


def evidence_text(result: RunResult, *, complete: bool = False) -> str:
    """All evidence in one line; if not `complete`, the first of each kind and fault, and the number of the others."""
    if complete:
        return "; ".join(one_line(f"{evidence.kind}: {evidence.detail}") for evidence in result.evidence)
    first: dict[tuple[str, Value | None], Evidence] = {}
    found = Counter[tuple[str, Value | None]]()
    for evidence in result.evidence:
        key = (evidence.kind, evidence.fault)
        first.setdefault(key, evidence)
        found[key] += 1
    return "; ".join(one_line(_told(evidence, found[key] - 1)) for key, evidence in first.items())


def _told(evidence: Evidence, more: int) -> str:
    return f"{evidence.kind}: {evidence.detail}" + (f" (and {more} more)" if more else "")


def _story(result: RunResult, steps: Sequence[str] = ()) -> Iterator[Line]:
    """Return at most ten lines, including the verdict's: what is wrong, what was done and seen, how to repeat it."""
    if result.reason:
        yield _labelled("why", result.reason, style=look(result.verdict).style)
    if steps:
        yield _labelled("done", shortened(", ".join(steps), DONE_CHARACTERS))
    for label, text in details(result):
        if label == "repro":
            yield [(f"{NOT_HELD}{label}", DIM)]
            yield [(text, BOLD)]
        else:
            yield _labelled(label, text)


def _labelled(label: str, text: str, *, style: str = PLAIN) -> Line:
    return indented((f"{NOT_HELD}{label:{LABEL_WIDTH}} ", DIM), (one_line(text), style))


def _more(result: RunResult, steps: Sequence[str]) -> Iterator[Line]:
    for step in steps:
        yield _labelled("step", step)
    figures = ", ".join(f"{name} {figure:g}" for name, figure in result.figures.items())
    if figures:
        yield _labelled("figs", figures)
    for check in result.checks:
        if not check.observations and not check.failed:
            yield _labelled("idle", f"{check.name} had nothing to judge: {check.saw}")


def proof_lines(proof: ProofResult) -> Iterator[Line]:
    """One line for a proof, and the story of one that is not proved."""
    yield verdict_line(proof.judgement.verdict, proof.name, proof.judgement.reason)
    if proof.judgement.verdict is PairVerdict.PROVED:
        return
    if proof.control.verdict is Verdict.HELD:
        yield from _story(proof.ablated)
    elif proof.control.role != "scenario":  # otherwise it was shown already
        yield from _story(proof.control)


def opening_lines(summary: Summary, folder: ResultsFolder) -> Iterator[Line]:
    """Return the lines on what is about to run."""
    info = summary.info
    scenarios = counted(len(summary.selection), "scenario")
    yield [(f"{scenarios}, target {info.target}, profile {info.profile}, seed {info.seed}", PLAIN)]
    yield [(f"results: {folder.shown}", DIM)]


def table_lines(summary: Summary) -> Iterator[Line]:
    """Return a row per theme; empty if there is only one theme."""
    own = [result for result in summary.results if result.role == "scenario"]
    themes = list(dict.fromkeys(result.theme for result in own))
    if len(themes) < TABLE_THEMES_MIN:
        return
    verdicts = [verdict for verdict in Verdict if any(result.verdict is verdict for result in own)]
    width = min(THEME_WIDTH, max(len(theme) for theme in themes))
    heads = "".join(f"{verdict.value:>{WORD_WIDTH}}" for verdict in verdicts)
    yield cut((f"{'theme':{width}}{heads}{'slowest':>10}{'took':>9}", DIM))
    for theme in themes:
        yield _row([result for result in own if result.theme == theme], theme, width, verdicts)


def _row(results: Sequence[RunResult], theme: str, width: int, verdicts: Sequence[Verdict]) -> Line:
    found = [result.verdict for result in results]
    pieces: list[Piece] = [(f"{shortened(one_line(theme), width):{width}}", PLAIN)]
    for verdict in verdicts:
        count = found.count(verdict)
        pieces.append((f"{count or '.':>{WORD_WIDTH}}", look(verdict).style if count else DIM))
    slowest_ms = max((result.figures.get("slowest_ms", 0.0) for result in results), default=0.0)
    took_s = sum(result.duration_s for result in results)
    return cut(*pieces, (f"{slowest_ms / 1e3:>8.2f} s{took_s:>7.1f} s", PLAIN))


def closing_lines(summary: Summary, folder: ResultsFolder, *, unpublished: str = "") -> Iterator[Line]:
    """Return the counts, the times, and the path of the results. `unpublished`: why there is no report."""
    yield from cause_lines(summary)
    yield from table_lines(summary)
    times = summary.times
    counts = ", ".join(f"{count} {verdict.value}" for verdict, count in summary.counts.items())
    if not summary.results:
        counts = "nothing ran"
    yield [(counts, BOLD), (f" in {times.total_s:.1f} s", PLAIN)]
    wrong = [finding for finding in summary.findings if not finding.warning]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        style = look("inconclusive" if all(each.inconclusive for each in wrong) else "failed").style
        yield [
            ("beyond the runs: ", style),
            (f"{shortened(one_line(wrong[0].sentence), BEYOND_CHARACTERS)}{more}", PLAIN),
        ]
    if summary.idle_checks:
        yield [("nothing to judge in any run: ", DOUBT), (listed(summary.idle_checks, IDLE_NAMED), PLAIN)]
    unproved = sum(finding.kind == UNPROVED for finding in summary.findings)
    if unproved:
        yield [("unproved: ", DOUBT), (f"{counted(unproved, 'scenario')} without a proof", PLAIN)]
    if summary.proofs:
        verdicts = [proof.judgement.verdict for proof in summary.proofs]
        tried = ", ".join(f"{verdicts.count(each)} {each.value}" for each in PairVerdict if each in verdicts)
        yield [("proofs: ", PLAIN), (tried, BOLD)]
    around = f"of these {times.around_s:.1f} s to start, recover and read rows"
    spent = (
        f"stack up {times.stack_s:.1f} s, scenarios {times.scenarios_s:.1f} s ({around}), the rest {times.rest_s:.1f} s"
    )
    yield [(f"time: {spent}", DIM)]
    if not summary.complete:
        missing = set(summary.selection) - {result.key.id for result in summary.results}
        what = f"{len(missing)} of {len(summary.selection)} scenarios were not run" if missing else "it was ended early"
        yield [(f"incomplete: {what}", DOUBT)]
    yield [(f"results: {folder.shown}", PLAIN)]
    yield [(f"report: {folder.shown}/{REPORT}", PLAIN)]
    if unpublished:
        yield [("the report could not be made: ", DOUBT), (one_line(unpublished), PLAIN)]
