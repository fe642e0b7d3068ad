"""Every command line that a file tells a machine to run is one that the harness takes; of pages see tests/pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bench.__main__ import main as bench
from tests.ci.support import ACTION, GITLAB, PRE_COMMIT, ROOT, WORKFLOWS, harness_calls, parse, read, shell_of, shown

RUN_BY_MACHINES = [*WORKFLOWS, GITLAB, ROOT / ".ci" / "run", PRE_COMMIT]


def in_files() -> Iterator[tuple[str, list[str]]]:
    for path in RUN_BY_MACHINES:
        for shell in shell_of(read(path)) if path.suffix in {".yml", ".yaml"} else [path.read_text("utf-8")]:
            yield from ((shown(path), words) for words in harness_calls(shell))


CALLS = list(in_files())


@pytest.mark.parametrize(("place", "words"), CALLS, ids=[f"{place}: {' '.join(words)}" for place, words in CALLS])
def test_the_harness_takes_it(place: str, words: list[str]) -> None:
    del place
    assert parse(words).name == words[0]


@pytest.mark.parametrize(
    "words", [["gaet"], ["gate", "--profil", "x"], ["sweep", "--lanes", "none"], ["baseline", "x"], ["soak"]]
)
def test_what_it_does_not_take_would_be_found(words: list[str]) -> None:
    with pytest.raises(click.ClickException):
        parse(words)


@pytest.mark.parametrize(
    ("path", "verbs"),
    [
        (ROOT / ".github" / "workflows" / "resilience.yml", {"doctor", "gate", "ablate", "sweep", "coverage"}),
        (GITLAB, {"doctor", "gate", "ablate", "sweep"}),
        (ACTION, {"gate"}),
    ],
    ids=["resilience.yml", "gitlab-ci.yml", "action.yml"],
)
def test_the_verbs_of_a_file_are_seen(path: Path, verbs: set[str]) -> None:
    assert {words[0] for shell in shell_of(read(path)) for words in harness_calls(shell)} == verbs


def test_the_benchmarks_take_what_a_workflow_asks_them() -> None:
    calls = [
        words for path in WORKFLOWS for shell in shell_of(read(path)) for words in harness_calls(shell, ("-m", "bench"))
    ]
    assert calls == [["--compare", "$base"]]
    for words in calls:
        bench.make_context("bench", words).close()
