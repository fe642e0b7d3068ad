from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.checks import Verdict
from harness.compare.accepting import Ground, check_acceptable
from harness.compare.record import record_of
from harness.errors import UsageError
from harness.results.ablation import ProofResult
from harness.results.model import SummaryRead
from harness.results.result import RunResult
from harness.results.revision import NOT_TOLD, commit_of, is_dirty, revision_of, uncommitted
from tests.proof.made import own, proof, read, tried
from tests.results.made import summary_of

PING = proof("pool.pre_ping")
GROUND = Ground(
    target_file="scenarios/target.toml",
    profile="hardened",
    titles={"a": ["pool.pre_ping"]},
    revision="abc",
    uncommitted=(),
)


def run(
    *results: RunResult, proofs: Sequence[ProofResult] = (tried("a", PING),), revision: str = "abc", **changes: Any
) -> SummaryRead:
    summary = summary_of(*(results or (own("a"),)), proofs=proofs, **changes)
    return read(dataclasses.replace(summary, info=dataclasses.replace(summary.info, revision=revision)))


def check(summary: SummaryRead, **ground: Any) -> None:
    check_acceptable(summary, record_of(summary), dataclasses.replace(GROUND, **ground), place="summary.json")


def test_a_whole_good_run_of_this_commit_is_accepted() -> None:
    check(run())
    check(run(revision=""), revision="")
    check(run(own("a", Verdict.UNAVAILABLE), proofs=()))


@pytest.mark.parametrize(
    ("summary", "ground", "said"),
    [
        (run(complete=False, exit_status=2), {}, "incomplete"),
        (run(exit_status=1), {}, "not good: it ended with exit status 1"),
        (run(), {"target_file": "other.toml"}, "of another target: scenarios/target.toml, not other.toml"),
        (run(), {"profile": "bare"}, "of another profile: hardened, not bare"),
        (run(), {"titles": {"a": ["pool.pre_ping"], "b": []}}, "partial: not run with everything on: b"),
        (run(), {"titles": {"a": ["pool.pre_ping", "x"]}}, "partial: proofs that were not tried: a: x"),
        (run(proofs=()), {}, "partial: proofs that were not tried: a: pool.pre_ping"),
        (run(), {"titles": {}}, "of another suite: no scenario is called a"),
        (run(revision="abc+dirty"), {}, "dirty: when it was run"),
        (run(), {"uncommitted": (" M scenarios/pool.py",)}, "dirty: not committed now: M scenarios/pool.py"),
        (run(), {"revision": "def"}, "of another commit: abc, not def"),
        (run(revision=""), {}, "of another commit: none, not abc"),
    ],
)
def test_a_dirty_partial_or_bad_run_is_refused_with_the_reason(
    summary: SummaryRead, ground: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=r"cannot become the baseline(?s:.*)mend: commit") as caught:
        check(summary, **ground)
    assert said in str(caught.value)


def test_every_reason_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        check(run(exit_status=1, revision="abc+dirty"), profile="bare")
    assert str(caught.value).count("\n  - ") == 3


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit of one scenario; the folder of scenarios is returned."""
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "pool.py").write_text("one\n", "utf-8")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    return scenarios


def test_a_commit_is_named_and_what_differs_from_it(repository: Path) -> None:
    clean = revision_of(repository)
    assert len(clean) == 40
    (repository / "baseline.json").write_text("{}", "utf-8")
    assert revision_of(repository) == clean, "the baseline itself does not count"
    (repository.parent / "service.py").write_text("new\n", "utf-8")
    (repository / "pool.py").write_text("two\n", "utf-8")
    changed = revision_of(repository)
    assert changed.startswith(f"{clean}+dirty.")
    assert (commit_of(changed), is_dirty(changed), is_dirty(clean)) == (clean, True, False)
    assert sorted(line[3:] for line in uncommitted(repository)) == ["scenarios/pool.py", "service.py"]


@pytest.mark.parametrize("file", ["pool.py", "new.py"])
def test_two_working_trees_of_one_commit_are_told_apart(repository: Path, file: str) -> None:
    seen = set()
    for text in ("two\n", "three\n", "two\n"):
        (repository / file).write_text(text, "utf-8")
        seen.add(revision_of(repository))
    assert len(seen) == 2


def test_results_that_lie_in_the_repository_are_no_part_of_it(repository: Path, tmp_path: Path) -> None:
    results = repository.parent / "out"
    (results / "a").mkdir(parents=True)
    (results / "a" / "summary.json").write_text("{}", "utf-8")
    assert is_dirty(revision_of(repository))
    assert uncommitted(repository, results) == []
    assert revision_of(repository, results) == commit_of(revision_of(repository))
    (repository / "pool.py").write_text("two\n", "utf-8")
    before = revision_of(repository, results)
    (results / "a" / "summary.json").write_text("{1}", "utf-8")
    assert is_dirty(before)
    assert revision_of(repository, results) == before
    assert revision_of(repository, tmp_path.parent / "elsewhere") != before


def test_where_git_cannot_tell_nothing_counts_as_clean(repository: Path) -> None:
    (repository.parent / ".git" / "index").write_text("no index", "utf-8")
    assert uncommitted(repository) == [NOT_TOLD]
    assert is_dirty(revision_of(repository))
    assert revision_of(repository) != revision_of(repository)


def test_without_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert revision_of(tmp_path) == ""
    assert uncommitted(tmp_path) == []
