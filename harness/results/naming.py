"""Finds the run that a user means: by path, by name, or the newest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import UsageError, closest
from harness.results.folder import FILE, LATEST, made_by_run

NAMED_MAX = 8
"""How many runs an error names."""


def summaries_in(results: Path) -> Sequence[Path]:
    """The summaries of all runs in the folder of results, from old to new. A sweep has none."""
    return sorted(path for path in results.glob(f"*/{FILE}") if not path.parent.is_symlink())


def newest_run(results: Path, *, of_run: bool = True) -> Path:
    """Return the summary of the newest run that has one. `of_run`: runs of `harness run` count too.

    Raises UsageError that names the folder that was searched.
    """
    for path in _newest_first(results):
        if path.is_file() and (of_run or not made_by_run(path.parent)):
            return path
    kind = "" if of_run else ", but of `harness run`"
    raise UsageError(f"{results}: no run in here has a {FILE}{kind}", hint="run a gate first, or name a run's folder")


def _newest_first(results: Path) -> Iterator[Path]:
    """Names contain the second. If several runs began in the same second, the link `latest` shows the last one."""
    yield results / LATEST / FILE
    yield from reversed(summaries_in(results))


def run_named(word: str | Path, results: Path) -> Path:
    """Return the summary of a named run: by its file, its folder, its name in `results`, or `latest`.

    A folder of results stands for its newest run. Raises UsageError that names some existing runs.
    """
    if str(word) == LATEST:
        return newest_run(results)
    for path in (results / word, Path(word)):
        if path.is_file():
            return path
        if (path / FILE).is_file():
            return path / FILE
        if path.is_dir():
            return newest_run(path)
    raise _unknown(str(word), results)


def _unknown(word: str, results: Path) -> UsageError:
    known = [path.parent.name for path in summaries_in(results)]
    if not known:
        mend = "run a gate first, or name the folder with --results"
        return UsageError.at("command line", "RUN", word, f"no such run in {results}, which has none", mend=mend)
    near = closest(word, known)
    named = dict.fromkeys([*([near] if near else []), *known[: -NAMED_MAX - 1 : -1]])
    problem = f"no such run in {results}; here are some of its {len(known)}"
    mend = f"write {near!r}" if near else "name one of these, or a run's folder"
    return UsageError.at("command line", "RUN", word, problem, valid=named, mend=mend)


__all__ = ["newest_run", "run_named", "summaries_in"]
