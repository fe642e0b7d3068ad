"""Which names a scenario can have, and where it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.drafting import check_name
from harness.errors import UsageError

KNOWN = {"cut", "cut_2"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in ("__init__.py", "pool.py"):
        (tmp_path / name).touch()
    return tmp_path


def test_a_good_name_is_a_file_beside_the_others(package: Path) -> None:
    assert check_name("redis_gone", package, KNOWN) == package / "redis_gone.py"
    assert check_name("signal", package, KNOWN) == package / "signal.py", "in a package it stands in for nothing"


@pytest.mark.parametrize(
    ("name", "problem", "mend"),
    [
        ("Redis-Gone", "not a Python name", "write redis_gone"),
        ("class", "not a Python name", "write scenario_class"),
        ("2nd", "not a Python name", "write scenario_2nd"),
        ("../outside", "not a Python name", "write outside"),
        ("ß", "not a Python name", "write redis_goes_away, say"),
        ("", "not a Python name", "write redis_goes_away, say"),
        ("cut\n", "not a Python name", "write cut"),
        ("test_gone", "no test_ in front", "write gone"),
        ("test_", "no test_ in front", "write another"),
        ("a" * 151, "longer than 150 characters", "write a shorter one"),
        ("cut", "a scenario has this name already", "write cut_3"),
        ("pool", "exists already", "write pool_2"),
    ],
)
def test_a_bad_name_is_told_with_one_that_would_do(package: Path, name: str, problem: str, mend: str) -> None:
    with pytest.raises(UsageError) as told:
        check_name(name, package, KNOWN)
    assert problem in told.value.message
    assert told.value.hint == mend


@pytest.mark.parametrize("name", ["signal", "redis"])
def test_a_file_that_would_stand_in_for_a_module(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"would stand in for the module {name}"):
        check_name(name, tmp_path, KNOWN)
