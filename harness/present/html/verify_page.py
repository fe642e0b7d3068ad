"""The report of a release verification: one page to attach to a release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.checks import Verdict
from harness.compare.profiles import escaped, seconds
from harness.compare.record import ScenarioRecord
from harness.compare.verification import Side, Verification
from harness.present.templates import rendered
from harness.results.ablation import PairVerdict
from harness.results.files import write_atomically
from harness.results.reading import multiple
from harness.results.revision import short

MARKDOWN_FILE, HTML_FILE = "verify.md", "verify.html"
HEAD = ("scenario", "release", "candidate", "worst answer", "recovery", "proofs")


def write_pages(found: Verification, command: str, folder: Path) -> None:
    """Write verify.md and verify.html."""
    write_atomically(folder / MARKDOWN_FILE, markdown_page(found, command))
    write_atomically(folder / HTML_FILE, html_page(found, command))


def markdown_page(found: Verification, command: str) -> str:
    """The report as Markdown."""
    return "\n".join(_markdown(found, command)) + "\n"


def _markdown(found: Verification, command: str) -> Iterator[str]:
    yield f"# {found.verdict}"
    yield ""
    for name, side in _sides(found):
        yield f"- {name}: {', '.join(f'{key} `{escaped(value)}`' for key, value in _facts(side))}"
    yield f"- repeat: `{command}`"
    for title, sentences in _lists(found):
        yield ""
        yield f"## {title}"
        yield ""
        yield from (f"- {escaped(sentence)}" for sentence in sentences)
    yield ""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for row in _rows(found):
        yield f"| {' | '.join(escaped(cell) for cell in row)} |"


def html_page(found: Verification, command: str) -> str:
    """Return the report as one self-contained HTML file. Text from a service is escaped."""
    word, _, sentence = found.verdict.rstrip(".").partition(": ")
    tone = Verdict.FAILED if found.regressions else Verdict.HELD if found.clean else Verdict.INCONCLUSIVE
    sides = [(name, ", ".join(f"{key} {value}" for key, value in _facts(side))) for name, side in _sides(found)]
    return rendered(
        "verify.html.j2", styles="colours.css report.css", script="copy.js", found=found, word=word, sentence=sentence,
        tone=tone.value, command=command, sides=sides, lists=list(_lists(found)), head=HEAD, rows=list(_rows(found)),
    )  # fmt: skip


def _sides(found: Verification) -> Sequence[tuple[str, Side]]:
    return (("candidate", found.candidate), ("against", found.release))


def _facts(side: Side) -> Iterator[tuple[str, str]]:
    yield "target", side.target
    yield "run", side.run
    if side.revision:
        yield "revision", short(side.revision)


def _lists(found: Verification) -> Iterator[tuple[str, Sequence[str]]]:
    for title, sentences in (
        ("Regressions", [each.sentence for each in found.regressions]),
        ("Could not be judged", found.not_told),
        ("As before", found.as_before),
        ("Better", found.better),
    ):
        if sentences:
            yield title, sentences


def _rows(found: Verification) -> Iterator[tuple[str, ...]]:
    for name, was, now in found.pairs():
        yield (
            name,
            was.verdict.value if was else "not run",
            now.verdict.value if now else "not run",
            _from_to(_worst(was), _worst(now)),
            _from_to(_recovery(was), _recovery(now)),
            _proofs(now),
        )


def _from_to(was: str, now: str) -> str:
    return f"{was or '-'} -> {now or '-'}"


def _worst(record: ScenarioRecord | None) -> str:
    return "" if record is None else _time(record.speed.worst_ms, record.speed.healthy_ms)


def _recovery(record: ScenarioRecord | None) -> str:
    return "" if record is None else _time(record.speed.recovery_ms, record.speed.healthy_ms)


def _time(time_ms: float | None, healthy_ms: float | None) -> str:
    times = multiple(time_ms, healthy_ms)
    return "" if time_ms is None or times is None else f"{seconds(time_ms)} ({times:.0f}x)"


def _proofs(record: ScenarioRecord | None) -> str:
    if record is None or not record.proofs:
        return "-"
    proved = sum(1 for verdict in record.proofs.values() if verdict is PairVerdict.PROVED)
    return f"{proved} of {len(record.proofs)}"
