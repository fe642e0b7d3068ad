"""`python -m tests.lines.rare [--most N] [--only FILE] [SCENARIO ...]`: change what few scenarios run.

It records a gate, and then deletes each statement of the webhook that at most N of its scenarios ran (3 if not given),
and turns each such condition, one by one. Each changed copy is judged by the scenarios that ran the statement. What no
scenario notices is printed: it does no harm, or the scenario must look at more. Some 180 changes take forty minutes;
`--only webhook/recent.py` changes one file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from tests.lines.__main__ import COPIED, FREE_OF_CACHES, PACKAGE, ROOT, copy_recorded, lines_in
from tests.lines.changes import Change, Lines, changes_of

Runs = Mapping[tuple[str, int], AbstractSet[str]]
"""By a file, relative to the repository, and a line: the scenarios that ran it."""


def gate(suite: Path, results: Path, scenarios: Sequence[str], *options: str) -> int:
    """Run a gate of these scenarios; return its exit status."""
    command = [sys.executable, "-m", "harness", "gate", "--no-baseline", "--results", str(results), *options]
    return subprocess.run([*command, *scenarios], cwd=suite, check=False).returncode


def recorded(folder: Path, scenarios: Sequence[str]) -> Runs:
    """Run the gate on a recorded copy, and return who ran what."""
    suite, lines, results = folder / "recorded", folder / "lines", folder / "recorded-results"
    lines.mkdir()
    copy_recorded(suite, lines)
    gate(suite, results, scenarios)
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for process, scenario in processes(results / "latest" / "history"):
        for file, ran in lines_in(lines, f"{process}.lines").items():
            for line in ran:
                found[str(Path(file).relative_to(suite)), line].add(scenario)
    return found


def processes(histories: Path) -> Iterator[tuple[int, str]]:
    """Yield each service's process with its scenario, by the runs' histories."""
    for path in sorted(histories.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            entry = json.loads(line)
            if entry["kind"] == "service.started":
                yield entry["data"]["pid"], path.stem.partition("@")[0]


def rare_changes(runs: Runs, most: int, only: str | None) -> Iterator[tuple[str, Change]]:
    """Yield each change with its file."""
    for path in sorted((ROOT / PACKAGE).rglob("*.py")) if only is None else [ROOT / only]:
        file = str(path.relative_to(ROOT))

        def run_by(lines: Lines, file: str = file) -> AbstractSet[str]:
            return {scenario for line in lines for scenario in runs.get((file, line), ())}

        yield from ((file, change) for change in changes_of(path.read_text("utf-8"), run_by, most=most))


def noticed(suite: Path, results: Path, file: str, change: Change) -> int:
    """Return the exit status of a gate of the change's scenarios on a copy that has it. The copy is as before then."""
    path = suite / file
    text = path.read_text("utf-8")
    path.write_text(change.applied(text), "utf-8")
    try:
        return gate(suite, results, [f"scenario:{each}" for each in sorted(change.scenarios)], "--jobs", "1", "-q")
    finally:
        path.write_text(text, "utf-8")


def shown(file: str, change: Change, status: int) -> str:
    """Return the line about a change that did not fail the gate."""
    word = "unnoticed by" if status == 0 else f"unclear (status {status}) by"
    return f"{file}:{change.line}: {change.kind}: {change.shown} ({word} {', '.join(sorted(change.scenarios))})"


def main(arguments: Sequence[str]) -> int:
    """Try every change. Return 0 if each is noticed, 1 if one is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.lines.rare")
    parser.add_argument("--most", type=int, default=3)
    parser.add_argument("--only", metavar="FILE")
    parser.add_argument("scenarios", nargs="*")
    asked = parser.parse_args(arguments)
    told = []
    with tempfile.TemporaryDirectory(prefix="rare-") as name:
        folder, suite = Path(name), Path(name, "changed")
        runs = recorded(folder, asked.scenarios)
        for copied in COPIED:
            shutil.copytree(ROOT / copied, suite / copied, ignore=FREE_OF_CACHES)
        for file, change in rare_changes(runs, asked.most, asked.only):
            status = noticed(suite, folder / "results", file, change)
            if status != 1:
                told.append(shown(file, change, status))
    sys.stdout.write("".join(f"{line}\n" for line in told))
    sys.stdout.write(f"{len(told)} changes were not noticed\n")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
