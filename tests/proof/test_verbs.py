"""ablate, compare, verify and baseline, run as a user runs them: real servers, the tiny service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.protocols.redis.server import RedisServer
from harness.search.space.space import FaultSpace, read_space, space_of
from harness.stack import Stack
from tests.cli.support import runs_by_id, summary_in
from tests.search.made import made_recording
from tests.tiny import run_harness, write_suite

GOOD = '''\
"""Two scenarios that hold, and fail as they say."""

from harness import Lab, link, no_fault, postgres, proves

LOST = "the connection was lost"


@proves("retry", fails="outcome", match=LOST)
@proves(under="bare", fails="outcome", match=LOST)
async def test_cut(lab: Lab) -> None:
    await lab.until(postgres.idle(at_least=1))
    await lab.inject(link.cut(postgres))
    await lab.deliver()


@proves("store", fails="acknowledged_is_stored")
async def test_healthy(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver(2)
'''
FILE = "scenarios/baseline.json"
SPACE = "scenarios/fault_space.toml"
ORDERS = """
[interleavings]
mixes = ["copies"]
proves = "store"
fails = "acknowledged_is_stored"
"""


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed suite whose ablation has run."""
    folder = write_suite(tmp_path_factory.mktemp("good"))
    (folder / "scenarios" / "all_verdicts.py").unlink()
    (folder / "scenarios" / "theme.py").write_text(GOOD, "utf-8")
    (folder / ".gitignore").write_text(".results/\n__pycache__/\n.pytest_cache/\ncandidate.toml\n", "utf-8")
    space_of([made_recording()]).write(folder / SPACE)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    process = run_harness("ablate", cwd=folder)
    assert process.returncode == 0, process.stdout + process.stderr
    return folder


def baseline_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def accepted(good: Path) -> Path:
    # By its name: a test that came before may have left a newer run.
    process = run_harness("baseline", "accept", str(ablated_in(good)), cwd=good)
    assert process.returncode == 0, process.stderr
    assert f"{FILE}: 2 scenarios, 2 protections" in process.stdout
    return good


def test_an_ablation_says_of_each_protection_who_proves_it(good: Path) -> None:
    data = json.loads((ablated_in(good) / "summary.json").read_text("utf-8"))
    assert data["counts"]["held"] == 2
    assert {each["name"]: (each["verdict"], each["by"]) for each in data["ablation"]["protections"]} == {
        "retry": ("proved", ["cut: retry"]),
        "store": ("proved", ["healthy: store"]),
    }
    assert {each["name"]: each["verdict"] for each in data["ablation"]["scenarios"]} == {
        "cut": "proved",
        "healthy": "proved",
    }
    assert data["findings"] == []


def test_a_suite_without_teeth_fails_and_the_matrix_is_a_map(tmp_path: Path) -> None:
    folder = write_suite(tmp_path)
    process = run_harness("ablate", "healthy", "elsewhere", "--matrix", cwd=folder)
    assert process.returncode == 1, process.stdout
    data = summary_in(folder)
    assert [(found["subject"], found["kind"]) for found in data["findings"]] == [
        ("retry", "unproved"),
        ("elsewhere", "toothless"),
    ]
    assert "x toothless     elsewhere  elsewhere: retry unproved" in process.stdout
    rows = {row["id"]: row["cells"] for row in data["ablation"]["matrix"]["rows"]}
    verdicts = {name: {off: cell["verdict"] for off, cell in cells.items()} for name, cells in rows.items()}
    assert verdicts == {
        "healthy[no_fault]": {"retry": "held", "store": "failed"},
        "elsewhere": {"retry": "held", "store": "failed"},
    }
    assert "healthy[no_fault]  + + x" in process.stdout
    junit = (folder / ".results" / "latest" / "junit.xml").read_text("utf-8")
    assert 'name="ablation: elsewhere: toothless"' in junit


def test_a_baseline_records_what_a_good_run_shows(accepted: Path) -> None:
    data = baseline_of(accepted)
    assert (data["schema"], data["target"], data["profile"]) == ("harness.baseline/1", "tiny", "whole")
    assert data["protections"] == {"retry": ["cut"], "store": ["healthy"]}
    assert data["scenarios"]["cut"]["evidence"] == ["connections_cut"]
    assert data["scenarios"]["cut"]["proves"] == ["retry", "under bare"]


def test_the_same_again_is_nothing_worse_and_proves_nothing_anew(accepted: Path) -> None:
    process = run_harness("gate", cwd=accepted)
    assert process.returncode == 0, process.stdout
    assert f"nothing is worse than {FILE}" in process.stdout
    data = summary_in(accepted)
    assert data["proofs"] == [], "no scenario has changed"
    assert data["baseline"] == {"file": FILE, "changed": [], "new": [], "differences": []}


def changed(accepted: Path, tmp_path: Path, old: str, new: str, file: str = "scenarios/theme.py") -> Path:
    """A copy of the suite, with a change."""
    folder = tmp_path / "copy"
    subprocess.run(["git", "clone", "-q", str(accepted), str(folder)], check=True, capture_output=True)
    (folder / FILE).write_text((accepted / FILE).read_text("utf-8"), "utf-8")
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")
    return folder


def test_a_changed_expectation_is_proved_again_and_turns_the_gate_red(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, "    await lab.deliver()\n", "    await lab.deliver(expect=ANY_OUTCOME)\n")
    file = folder / "scenarios" / "theme.py"
    file.write_text(file.read_text("utf-8").replace("import Lab,", "import ANY_OUTCOME, Lab,"), "utf-8")
    process = run_harness("gate", "cut", cwd=folder)
    assert process.returncode == 1, process.stdout
    assert "x proof lost         cut does not prove retry any more: it is unproved" in process.stdout
    assert "x no longer proved   retry is no longer proved" in process.stdout


def test_a_deleted_scenario_turns_the_gate_red(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, GOOD[GOOD.index('@proves("store"') :], "")
    process = run_harness("gate", cwd=folder)
    assert process.returncode == 1, process.stdout
    assert "x scenario gone      healthy is gone" in process.stdout
    assert "x no longer proved   store is no longer proved" in process.stdout
    assert [proof["id"] for proof in summary_in(folder)["proofs"]] == []


def test_what_is_left_for_the_night_is_said_and_not_missed(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, '@proves("store"', '@nightly("waits for a deadline")\n@proves("store"')
    file = folder / "scenarios" / "theme.py"
    file.write_text(file.read_text("utf-8").replace("import Lab,", "import Lab, nightly,"), "utf-8")
    process = run_harness("gate", "--baseline", FILE, cwd=folder)
    assert process.returncode == 0, process.stdout
    assert f"nothing is worse than {FILE}" in process.stdout
    assert "left for the night: 1 scenario; run with --nightly:\n  healthy: waits for a deadline" in process.stdout
    assert list(runs_by_id(summary_in(folder))) == ["cut"]
    refused = run_harness("baseline", "accept", cwd=folder)
    assert (refused.returncode, "partial: not run with everything on: healthy" in refused.stderr) == (4, True)
    process = run_harness("gate", "--nightly", "--no-baseline", "-q", cwd=folder)
    assert set(runs_by_id(summary_in(folder))) == {"cut", "healthy"}
    assert "left for the night" not in process.stdout


def test_a_weakened_protection_turns_the_gate_red(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, '== "off" else 2', '== "off" else 1', file="service.py")
    process = run_harness("gate", "cut", cwd=folder)
    assert process.returncode == 1, process.stdout
    assert "x newly failed       cut is newly failed: it held in the baseline; now: outcome: " in process.stdout
    assert "healthy" not in process.stdout, "only what was selected is compared"
    assert 'name="baseline: cut: newly failed"' in (folder / ".results" / "latest" / "junit.xml").read_text("utf-8")


def test_a_smaller_fault_space_turns_the_gate_red(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, "", "")
    points = baseline_of(folder)["fault_space_points"]
    space = read_space(folder / SPACE)
    assert points == len(space.points) > 1
    FaultSpace(dict(list(space.points.items())[1:]), space.floor_percent, space.exclusions).write(folder / SPACE)
    process = run_harness("gate", "--baseline", FILE, cwd=folder)
    assert process.returncode == 1, process.stdout
    told = f"the fault space had {points} points in the baseline, there are {points - 1} now"
    assert f"x fault space shrank {told}" in process.stdout
    (folder / SPACE).unlink()
    process = run_harness("gate", cwd=folder)
    assert process.returncode == 1, process.stdout
    assert f"the fault space had {points} points in the baseline, there is none now" in process.stdout
    (finding,) = summary_in(folder)["findings"]
    assert (finding["subject"], finding["kind"]) == ("fault space", "fault space shrank")


def test_no_baseline_and_another_profile_compare_nothing(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, GOOD[GOOD.index('@proves("store"') :], "")
    assert run_harness("gate", "--no-baseline", cwd=folder).returncode == 0
    process = run_harness("gate", "--profile", "bare", cwd=folder)
    assert "baseline" not in process.stdout


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ('{"schema": "harness.baseline/1"', "not JSON: "),
        ('{"schema": "harness.sweep/1"}', "schema = 'harness.sweep/1': another kind or version of file"),
    ],
)
def test_a_corrupt_or_foreign_baseline_is_a_usage_error_and_stays(
    accepted: Path, tmp_path: Path, spoil: str, said: str
) -> None:
    file = tmp_path / "baseline.json"
    file.write_text(spoil, "utf-8")
    for words in (["gate"], ["baseline", "accept"]):
        process = run_harness(*words, "--baseline", str(file), cwd=accepted)
        assert process.returncode == 4, process.stdout
        assert said in process.stderr
    assert file.read_text("utf-8") == spoil


def test_a_dirty_or_partial_run_is_not_accepted(accepted: Path, tmp_path: Path) -> None:
    folder = changed(accepted, tmp_path, "deliver(2)", "deliver(3)")
    before = baseline_of(folder)
    assert run_harness("gate", "healthy", cwd=folder).returncode == 0
    process = run_harness("baseline", "accept", cwd=folder)
    assert process.returncode == 4
    for reason in (
        "partial: not run with everything on: cut",
        "dirty: when it was run, the working tree differed from its commit",
        "dirty: not committed now: M scenarios/theme.py",
    ):
        assert reason in process.stderr
    assert baseline_of(folder) == before


def test_profiles_side_by_side(good: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    subprocess.run(["git", "clone", "-q", str(good), str(folder)], check=True, capture_output=True)
    process = run_harness("compare", cwd=folder)
    assert process.returncode == 0, process.stdout + process.stderr
    results = folder / ".results" / "latest"
    data = json.loads((results / "compare.json").read_text("utf-8"))
    assert data["profiles"] == ["bare", "whole"]
    verdicts = {each["id"]: [one["verdict"] for one in each["profiles"].values()] for each in data["scenarios"]}
    assert verdicts == {"cut": ["failed", "held"], "healthy": ["held", "held"]}
    assert data["scenarios"][0]["profiles"]["whole"]["lost"] == 0
    assert data["steps"][0]["mended"] == ["cut"]
    assert (results / "compare.md").read_text("utf-8").startswith("| scenario | `bare` | `whole` |\n")
    assert "mended       1  cut" in process.stdout


def test_what_this_machine_cannot_run_counts_as_in_the_gate(tmp_path: Path, stack: Stack) -> None:
    folder = write_suite(tmp_path)
    words = ("compare", "healthy", "elsewhere", "--profiles", "bare", "--redis", stack.of(RedisServer).url())
    process = run_harness(*words, cwd=folder)
    assert process.returncode == 1, process.stdout + process.stderr
    data = summary_in(folder)
    assert (data["counts"]["held"], data["counts"]["unavailable"]) == (1, 1)
    runs = [(run["id"], run["profile"], run["role"]) for run in data["runs"]]
    assert sorted(runs) == [
        ("elsewhere", "whole", "scenario"),
        ("healthy[no_fault]", "bare", "ablated"),
        ("healthy[no_fault]", "whole", "scenario"),
    ]
    assert process.stdout.count("not listed in unavailable.toml: this fails the gate") == 1


def candidate(folder: Path, **settings: str) -> str:
    """A copy of the target, with settings of the default profile."""
    text = (folder / "scenarios" / "target.toml").read_text("utf-8")
    lines = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    planted = text.replace("[profiles.bare]", f"[profiles.whole.environment]\n{lines}\n[profiles.bare]")
    (folder / "scenarios" / "candidate.toml").write_text(planted, "utf-8")
    return "scenarios/candidate.toml"


def test_an_honest_candidate_may_be_released(good: Path) -> None:
    process = run_harness("verify", "--candidate", candidate(good), cwd=good)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "May be released: 2 scenarios held, 3 proofs proved, nothing is worse." in process.stdout
    results = good / ".results" / "latest"
    data = json.loads((results / "verify.json").read_text("utf-8"))
    assert (data["candidate"]["target"], data["against"]["target"]) == (
        "scenarios/candidate.toml",
        "scenarios/target.toml",
    )
    assert (results / "verify.html").read_text("utf-8").startswith("<!doctype html>")


def ablated_in(folder: Path) -> Path:
    """The folder of the run that proved everything."""
    return next(
        path.parent
        for path in sorted((folder / ".results").glob("*/summary.json"))
        if json.loads(path.read_text("utf-8"))["proofs"]
    )


@pytest.mark.parametrize(
    ("name", "planted", "said"),
    [
        ("cut", {"TINY_RETRY": "off"}, ("cut is newly failed", "retry is no longer proved")),
        ("healthy", {"TINY_STORE": "off"}, ("healthy is newly failed", "store is no longer proved")),
    ],
)
def test_a_planted_regression_is_found(good: Path, name: str, planted: dict[str, str], said: tuple[str, str]) -> None:
    words = ("verify", name, "--candidate", candidate(good, **planted), "--against", str(ablated_in(good)))
    process = run_harness(*words, cwd=good)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Do not release" in process.stdout
    for sentence in said:
        assert sentence in process.stdout
    findings = summary_in(good)["findings"]
    assert {found["section"] for found in findings} == {"verify"}
    assert runs_by_id(summary_in(good))


def test_a_release_that_ran_without_a_protection_is_refused(good: Path, tmp_path: Path) -> None:
    lacking, refused = tmp_path / "lacking", tmp_path / "refused"
    process = run_harness("gate", "cut", "--without", "store", "--results", str(lacking), cwd=good)
    assert [run["without"] for run in json.loads((lacking / "latest" / "summary.json").read_text("utf-8"))["runs"]] == [
        ["store"]
    ], process.stderr
    words = ("verify", "cut", "--candidate", candidate(good), "--against", str(lacking), "--results", str(refused))
    process = run_harness(*words, cwd=good)
    assert process.returncode == 4, process.stdout
    assert "did not run cut under whole with everything on" in process.stderr
    assert not refused.exists(), "it is told before anything is run"


def test_a_run_of_the_release_that_was_not_ended_is_refused(good: Path, tmp_path: Path) -> None:
    data = json.loads((ablated_in(good) / "summary.json").read_text("utf-8"))
    file, refused = tmp_path / "summary.json", tmp_path / "refused"
    file.write_text(json.dumps({**data, "complete": False}), "utf-8")
    words = ("verify", "--candidate", candidate(good), "--against", str(file), "--results", str(refused))
    process = run_harness(*words, cwd=good)
    assert process.returncode == 4, process.stdout
    assert f"{data['run']['id']} is not complete" in process.stderr
    assert not refused.exists(), "it is told before anything is run"


def test_a_scenario_that_the_candidate_no_longer_has_is_a_regression(accepted: Path, tmp_path: Path) -> None:
    cut = GOOD[GOOD.index('@proves("retry"') : GOOD.index('@proves("store"')]
    folder = changed(accepted, tmp_path, cut, "")
    words = ("verify", "--candidate", candidate(folder))
    process = run_harness(*words, "--against", str(ablated_in(accepted)), cwd=folder)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "x scenario gone      cut is gone: the release has it" in process.stdout

    target = folder / "scenarios" / "target.toml"
    target.write_text(target.read_text("utf-8") + ORDERS, "utf-8")
    process = run_harness(*words, cwd=folder)
    assert process.returncode == 1, process.stdout + process.stderr
    assert "Do not release: 1 regression." in process.stdout
    assert "x scenario gone      orders_of_two is gone: the release has it" in process.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify"], "Missing option '--candidate'"),
        (["verify", "--candidate", "scenarios/candidat.toml"], "closest valid: 'scenarios/target.toml'"),
        (["verify", "--candidate", "scenarios/target.toml", "--against", "nowhere"], "there is no such file"),
        (["compare", "--profiles", "wohle"], "--profiles: name = 'wohle': no such profile; closest valid: 'whole'"),
        (["ablate", "helthy"], "closest valid: 'healthy'"),
        (["baseline", "accept", "nowhere"], "no such run in .results, which has none"),
        (["baseline", "acept"], "Did you mean 'accept'?"),
        (["gate", "--baseline", "nowhere.json"], "make one with `harness baseline accept`"),
        (["gate", "--baseline", "nowhere.json", "--no-baseline"], "leave one of them out"),
        (["gate", "--baseline", "nowhere.json", "--profile", "bare"], "leave out --profile and --without"),
    ],
)
def test_what_does_not_exist_is_told_with_the_closest_valid_word(tmp_path: Path, words: list[str], said: str) -> None:
    folder = write_suite(tmp_path)
    process = run_harness(*words, cwd=folder)
    assert process.returncode == 4, process.stdout
    assert said in process.stderr
