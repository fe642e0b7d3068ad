"""What looks like a scenario is one, or is refused with its place; and so is a file that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plugin.collection import collect_scenarios
from harness.target import Target, load_target
from tests.tiny import write_suite

Refused = Callable[[str], str]
HEAD = "from harness import Lab, proves\nSTORE = proves('store', fails='stored_once')\n"
PROVES = "@proves('store', fails='stored_once')\n"
FILE = "scenarios/mine.py"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return load_target(write_suite(tmp_path_factory.mktemp("suite")) / "scenarios" / "target.toml")


@pytest.fixture
def refused(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Collects a file of that text, and returns what is said of it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n", "utf-8")

    def collect(text: str) -> str:
        (tmp_path / "scenarios").mkdir()
        (tmp_path / FILE).write_text(text, "utf-8")
        with pytest.raises(UsageError) as refusal:
            collect_scenarios(tmp_path / "scenarios", target.description)
        return str(refusal.value)

    return collect


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (f"{PROVES}async def test_a(lb: Lab): ...", 4, "name = 'test_a': takes lb, and no lab: it is not a scenario"),
        ("def test_helper(): ...", 3, "name = 'test_helper': takes nothing, and no lab"),
        (f"{PROVES}async def redis_down(lab: Lab): ...", 4, "name = 'redis_down': has a proof, and is not collected"),
        (
            f"class Mine:\n    {PROVES}    async def test_a(self, lab: Lab): ...", 5,
            "name = 'test_a': pytest does not collect it",
        ),
        (
            f"{PROVES}async def test_a(lab: Lab): ...\n{PROVES}async def test_a(lab: Lab): ...", 4,
            "name = 'test_a': is defined again at line 6: only that one would run",
        ),
    ],
    ids=["no_lab", "helper", "no_test", "no_test_class", "twice"],
)  # fmt: skip
def test_a_scenario_that_would_vanish_is_refused(refused: Refused, text: str, line: int, said: str) -> None:
    told = refused(HEAD + text)

    assert told.startswith(f"{FILE}:{line}: {said}"), told
    assert told.count(f"{FILE}:") == told.count("\n  mend: ") == 1, told


def test_what_a_scenario_has_within_it_is_its_own(refused: Refused) -> None:
    """Only the last is refused, of the three that have no lab."""
    within = f"{PROVES}async def test_a(lab: Lab):\n    def test_it(): ...\n    test_it()\n"

    told = refused(f"{HEAD}{within}def helper(): ...\ndef test_b(): ...")

    assert told.count(f"{FILE}:") == 1, told


def test_a_file_cannot_skip_itself(refused: Refused) -> None:
    told = refused(f"import pytest\npytest.skip('no mood', allow_module_level=True)\n{HEAD}")

    assert told.startswith(f"{FILE}: skips itself, and no scenario may\n  mend: "), told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import harness\nasync def test_a(lab:\n    pass\n", f"{FILE}:2: SyntaxError: '(' was never closed\n"),
        ("import nothing_of_this_name", f"{FILE}:1: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("from harness import lab_rat", f"{FILE}:1: ImportError: cannot import name 'lab_rat' from 'harness'"),
        ("\n1 / 0", f"{FILE}:2: ZeroDivisionError: division by zero"),
        (
            "from harness import postgres, wire\nwire.fail(postgres.sent('COMMIT'), code='TooMany')",
            f"{FILE}:2: wire.fail: code = 'TooMany': ",
        ),
    ],
    ids=["syntax", "module", "name", "value", "usage"],
)
def test_a_file_that_cannot_be_collected(refused: Refused, text: str, said: str) -> None:
    """The place comes first, and there is nothing of pytest's own, nor an empty mend."""
    told = refused(text)

    assert told.startswith(said), told
    assert ("site-packages" in told, "mend what is named" in told) == (False, False), told
