from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plugin.collection import collect_scenarios
from harness.suite import Unavailable, read_unavailable
from harness.target import load_target
from tests.tiny import CHECKOUT

GOOD = '[[unavailable]]\nid = "slow"\nreason = "needs seccomp"\nruns = "Linux 5.0"\n'


PROGRAMS = frozenset({"pgbouncer", "prometheus"})
"""What most machines lack: no package that the harness installs brings it."""


def written(folder: Path, text: str) -> Path:
    file = folder / "unavailable.toml"
    file.write_text(text, "utf-8")
    return file


def test_without_a_file_nothing_is_listed(tmp_path: Path) -> None:
    assert read_unavailable(tmp_path / "unavailable.toml", []) == {}


def test_an_entry_says_why_and_where_it_does_run(tmp_path: Path) -> None:
    assert read_unavailable(written(tmp_path, GOOD), ["slow"]) == {
        "slow": Unavailable(id="slow", reason="needs seccomp", runs="Linux 5.0")
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace('"slow"', '"slwo"'), r"unavailable\[0\]: id = 'slwo': no scenario.*closest valid: 'slow'"),
        (
            GOOD.replace("reason", "raeson"),
            r"unavailable\[0\] \(slow\): raeson = .*; closest valid: 'reason'",
        ),
        (GOOD.replace('"needs seccomp"', '" "'), r"reason = ' ': needs a text(?s:.*)mend: write what"),
        (
            GOOD.replace('runs = "Linux 5.0"', ""),
            r"runs = None: this key is missing(?s:.*)add runs to",
        ),
        (GOOD.replace("[[unavailable]]", "[[unavailabel]]"), r"unavailabel = .*closest valid: 'unavailable'"),
        (GOOD.replace("[[unavailable]]", "[unavailable]"), r"unavailable = .*: needs a list(?s:.*)write a list"),
        ("unavailable = [1]", r"unavailable\[0\] = 1: needs a table"),
        ("[[", r"not TOML: (?s:.*)fix the line"),
    ],
)
def test_a_bad_list_is_told_by_place_key_value_and_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_unavailable(written(tmp_path, text), ["slow"])


def test_where_only_a_part_of_the_suite_is_known_any_id_may_be_listed(tmp_path: Path) -> None:
    assert list(read_unavailable(written(tmp_path, GOOD))) == ["slow"]


def test_each_scenario_of_ours_that_needs_a_program_of_few_machines_is_listed() -> None:
    folder = CHECKOUT / "scenarios"
    suite = collect_scenarios(folder, load_target(folder / "target.toml").description)
    lacking = {each.id for each in suite if PROGRAMS & {*each.needs}}
    assert len(lacking) > len(PROGRAMS)
    assert lacking <= read_unavailable(folder / "unavailable.toml", [each.id for each in suite]).keys()
