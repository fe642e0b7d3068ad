"""The report of a release verification: one page to attach to a release."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.compare.profiles import escaped, seconds
from harness.compare.record import ScenarioRecord
from harness.compare.verification import Side, Verification
from harness.results.ablation import PairVerdict
from harness.results.files import write_atomically
from harness.results.reading import multiple
from harness.results.text import visible

STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:1.8rem}
.table{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid color-mix(in srgb,currentColor 25%,transparent);
vertical-align:top}
.failed{color:#b3261e;font-weight:600}.held{color:#1b6e3c}
@media(prefers-color-scheme:dark){.failed{color:#ff8a80}.held{color:#7ddba3}}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}li{overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}}
"""
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
    return "\n".join(_html(found, command)) + "\n"


def _html(found: Verification, command: str) -> Iterator[str]:
    tone = "failed" if found.regressions else "held" if found.clean else ""
    yield '<!doctype html><html lang="en"><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width,initial-scale=1">'
    yield f"<title>{_text(found.verdict)}</title><style>{STYLE}</style>"
    yield f'<main><h1 class="{tone}">{_text(found.verdict)}</h1><ul>'
    for name, side in _sides(found):
        yield f"<li>{name}: {', '.join(f'{key} <code>{_text(value)}</code>' for key, value in _facts(side))}</li>"
    yield f"<li>repeat: <code>{_text(command)}</code></li></ul>"
    for title, sentences in _lists(found):
        yield f"<h2>{title}</h2><ul>"
        yield from (f"<li>{_text(sentence)}</li>" for sentence in sentences)
        yield "</ul>"
    yield '<h2>Scenarios</h2><div class="table" tabindex="0"><table><thead><tr>'
    yield "".join(f'<th scope="col">{name}</th>' for name in HEAD) + "</tr></thead><tbody>"
    for row in _rows(found):
        cells = "".join(f'<td class="{_tone(cell)}">{_text(cell)}</td>' for cell in row[1:])
        yield f'<tr><th scope="row">{_text(row[0])}</th>{cells}</tr>'
    yield "</tbody></table></div></main></html>"


def _text(text: str) -> str:
    return html.escape(visible(text))


def _tone(cell: str) -> str:
    return cell if cell in {"held", "failed"} else ""


def _sides(found: Verification) -> Sequence[tuple[str, Side]]:
    return (("candidate", found.candidate), ("against", found.release))


def _facts(side: Side) -> Iterator[tuple[str, str]]:
    yield "target", side.target
    yield "run", side.run
    if side.revision:
        yield "revision", side.revision


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
