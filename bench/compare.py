"""Compares two commits on one machine: their benchmarks take turns, and the first runs twice as its own A/A."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from bench.arms import Arm, Plan, Progress, Rounds, Sample, interleaved
from bench.options import Found
from bench.report import Line, Table
from bench.statistics import median_interval, ratios, scatter
from harness.errors import HarnessError, UsageError

ROOT = Path(__file__).resolve().parents[1]
COMPARED = ("healthy", "overhead", "relay")
"""The benchmarks without a name: the service, a scenario, the relay."""
ROUNDS = 6
"""The fewest rounds that give an interval at 95 %."""
NOW, BASE, AGAIN = "this checkout", "the base", "the base, again"
MORE_IS_BETTER = ("requests/s", "MiB/s", "a second")
Run = Callable[[Path, Sequence[str]], str]
"""Runs Python in a checkout with these arguments, and returns what it printed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a benchmark's report."""

    title: str
    name: str
    unit: str

    def __str__(self) -> str:
        """The value in a table."""
        return f"{self.title}: {self.name}"


def compared(
    base: str, names: Sequence[str], plan: Plan, progress: Progress, *, passed_on: Sequence[str] = ()
) -> Found:
    """Run each benchmark of both commits in turn. `passed_on`: command-line words for each of them.

    Raises UsageError if the commit does not exist, and HarnessError if a benchmark fails.
    """
    with checked_out(base) as folder:
        parts = [_benchmark(name, {BASE: folder, NOW: ROOT}, plan, progress, passed_on) for name in names]
    return Found(
        tuple(table for part in parts for table in part.tables), tuple(note for p in parts for note in p.notes)
    )


def _benchmark(
    name: str, folders: Mapping[str, Path], plan: Plan, progress: Progress, passed_on: Sequence[str]
) -> Found:
    words = ("-m", "bench", name, "--rounds", "1", "--json", *passed_on)
    progress(f"{name}: once without counting")
    first = {arm: read(printed(folder, words)) for arm, folder in folders.items()}
    figures = [figure for figure in first[BASE] if figure in first[NOW]]

    def measure(folder: Path) -> Sample:
        found = read(printed(folder, words))
        return {str(figure): found[figure] for figure in figures}

    arms = [
        Arm(BASE, partial(measure, folders[BASE])),
        Arm(AGAIN, partial(measure, folders[BASE]), control=True),
        Arm(NOW, partial(measure, folders[NOW])),
    ]
    rounds = interleaved(arms, plan, lambda text: progress(f"{name}: {text}"))
    missing = sorted({str(each) for found in first.values() for each in found} - {str(each) for each in figures})
    return judged(name, figures, rounds, missing)


def judged(name: str, figures: Sequence[Figure], rounds: Rounds, missing: Sequence[str]) -> Found:
    """Compare each figure of this checkout with the base's, and report whether the ratio is beyond A/A.

    `missing`: figures that exist on only one side.
    """
    lines: dict[str, list[Line]] = {}
    beyond: list[str] = []
    left_out = [f"{name}: only one of the two has {figure}." for figure in missing]
    for figure in figures:
        now, again, base = (rounds.of(arm, str(figure)) for arm in (NOW, AGAIN, BASE))
        if min(*now, *again, *base) <= 0:  # a difference that was lost in the noise
            left_out.append(f"{figure}: not above 0 in each round, so that there is no ratio.")
            continue
        line, control = _line(str(figure), now, base), _line("A/A", again, base, control=True)
        apart = line.ratio.apart_from(control.ratio)
        lines.setdefault(figure.unit, []).extend([_told(line, apart), control])
        if apart:
            beyond.append(f"{name}: {_sentence(figure, line)}")
    tables = tuple(
        Table(title=f"{name}, {unit}", relation="to the base", unit=unit, rounds=rounds.number, lines=tuple(found))
        for unit, found in lines.items()
    )
    return Found(tables, (*(beyond or [f"{name}: nothing is beyond A/A."]), *left_out))


def _line(name: str, values: Sequence[float], base: Sequence[float], *, control: bool = False) -> Line:
    ratio = median_interval(ratios(values, base))
    return Line(name=name, ratio=ratio, median=statistics.median(values), scatter=scatter(values), control=control)


def _told(line: Line, apart: bool) -> Line:
    return Line(name=line.name, ratio=line.ratio, median=line.median, scatter=line.scatter, beyond_control=apart)


def _sentence(figure: Figure, line: Line) -> str:
    better = (line.ratio.median > 1) == (figure.unit in MORE_IS_BETTER)
    ratio = line.ratio
    return (
        f"{figure} is {'better' if better else 'WORSE'}: "
        f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}] of the base's {figure.unit}, beyond A/A."
    )


def read(report: str) -> Mapping[Figure, float]:
    """Read the figures of a benchmark's `--json`; those of an A/A are left out. Raises HarnessError."""
    try:
        document: dict[str, Any] = json.loads(report)
        if document["schema"] != "bench.report/1":
            raise HarnessError(f"a report of the schema {document['schema']!r}", hint="choose a later base")
        return {
            Figure(table["title"], line["name"], table["unit"]): float(line["median"])
            for table in document["tables"]
            for line in table["lines"]
            if not line["control"]
        }
    except (ValueError, KeyError, TypeError) as problem:
        raise HarnessError(f"not a benchmark's report: {problem!r}", hint="choose a later base") from problem


def printed(folder: Path, words: Sequence[str]) -> str:
    """Run the Python that runs this one on the code in a folder. Raises HarnessError if it fails."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")[-2000:]
        raise HarnessError(f"python {' '.join(words)} of {folder} ended with status {done.returncode}:\n{said}")
    return done.stdout.decode("utf-8", "replace")


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Provide a temporary folder with that commit's files. Raises UsageError if this repository lacks it."""
    with tempfile.TemporaryDirectory(prefix="bench-base-") as name:
        # Not a worktree of git's: one that is killed would leave its entry in the repository.
        archive = ["git", "archive", "--format=zip", "--", commit]
        done = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise UsageError.at("bench", "--compare", commit, f"git has no such commit ({said})", mend="name a commit")
        with zipfile.ZipFile(BytesIO(done.stdout)) as files:
            files.extractall(name)
        yield Path(name)
