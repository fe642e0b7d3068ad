"""Installs services of other people, breaks them by the standard suite, and compares what fails with `failed.txt`.

    tox run -e examples              each of them
    tox run -e examples -- miniflux  one
    tox run -e examples -- --accept  writes `failed.txt` anew

A folder beside this file with an `example.toml` is one. What it installs stays in that folder, and out of git.
Exit status: 0 each failed as committed; 1 one did not; 3 one could not be installed or run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CANNOT = 3
JUDGED = (0, 1)
"""Exit statuses of a gate that judged every scenario: all held, or something failed."""


@dataclass(frozen=True, slots=True)
class Example:
    """One service: its folder, and what its `example.toml` says."""

    folder: Path
    install: Sequence[Sequence[str]]

    @classmethod
    def read(cls, folder: Path) -> Example:
        """Read `example.toml`."""
        said = tomllib.loads((folder / "example.toml").read_text("utf-8"))
        return cls(folder, [[word.replace("{python}", sys.executable) for word in line] for line in said["install"]])

    @property
    def expected(self) -> Path:
        """The committed ids of scenarios that fail."""
        return self.folder / "failed.txt"

    def run(self, *command: str) -> int:
        """Run a command in its folder; what Go builds goes there, too."""
        environment = {**os.environ, "GOBIN": str(self.folder / "bin"), "PYTHONPATH": str(HERE.parent)}
        print(f"== {self.folder.name}: {' '.join(command)}", flush=True)  # noqa: T201  # a program of the command line
        return subprocess.run(command, cwd=self.folder, env=environment, check=False).returncode  # noqa: S603  # the example's own command

    def harness(self, *words: str) -> int:
        """Run a verb of the harness in its folder."""
        return self.run(sys.executable, "-m", "harness", *words)

    def failed(self, before: Collection[str]) -> Sequence[str]:
        """The ids that failed in its latest run. One that this machine could not judge counts as `before`."""
        summary = json.loads((self.folder / ".results" / "latest" / "summary.json").read_text("utf-8"))
        ids = {run["id"]: run["verdict"] for run in summary["runs"]}
        unjudged = [each for each, verdict in ids.items() if verdict == "inconclusive"]
        for each in unjudged:
            print(f"{self.folder.name}: {each}: inconclusive, so it counts as before")  # noqa: T201  # a program of the command line
        return sorted({each for each, verdict in ids.items() if verdict == "failed"} | {*unjudged} & {*before})


def tried(example: Example, *, accept: bool) -> int:
    """Install, check and break one; return the exit status."""
    if any(example.run(*command) != 0 for command in example.install) or example.harness("check") != 0:
        return CANNOT
    status = example.harness("gate", "--suite", "standard")
    if status not in JUDGED:
        return CANNOT
    before = example.expected.read_text("utf-8").split() if example.expected.is_file() else []
    failed = example.failed(before)
    if accept:
        example.expected.write_text("".join(f"{each}\n" for each in failed), "utf-8")
    if not example.expected.is_file():
        print(f"{example.folder.name}: no failed.txt to compare with: --accept writes it")  # noqa: T201  # a program of the command line
        return CANNOT
    expected = example.expected.read_text("utf-8").split()
    for told, ids in (
        ("failed, and held before", sorted({*failed} - {*expected})),
        ("held, and failed before", sorted({*expected} - {*failed})),
    ):
        for each in ids:
            print(f"{example.folder.name}: {each}: {told}")  # noqa: T201  # a program of the command line
    return int(failed != expected)


def main() -> int:
    """Try those that were named, or all; return the highest exit status."""
    known = {path.parent.name: path.parent for path in sorted(HERE.glob("*/example.toml"))}
    parser = argparse.ArgumentParser(description="Break services of other people, and compare what fails.")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *known], help=", ".join(known))
    parser.add_argument("--accept", action="store_true", help="write down what fails")
    words = parser.parse_args()
    names = words.names or known
    return max(tried(Example.read(known[name]), accept=words.accept) for name in names)


if __name__ == "__main__":
    sys.exit(main())
