"""The fixture `chaos`, used by ordinary tests of a project that has no target description."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.tiny import completed, environment

HERE = Path(__file__).parent
INI = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


def test_ordinary_tests_break_the_servers_of_their_application(tmp_path: Path) -> None:
    """What passes, fails and says nothing is told apart, also under xdist."""
    (tmp_path / "pytest.ini").write_text(INI, "utf-8")
    shutil.copy(HERE / "suite.py", tmp_path / "test_suite.py")
    options = [
        "-p",
        "no:harness",
        "-p",
        "harness.pytest_plugin",
        "-p",
        "no:schemathesis",
        "-n",
        "1",
        "-rA",
        "test_suite.py",
    ]
    ran = completed([sys.executable, "-m", "pytest", *options], cwd=tmp_path, env=environment())
    told = ran.stdout + ran.stderr
    assert "1 failed, 12 passed, 4 errors" in ran.stdout, told
    assert ran.returncode == 1
    assert "FAILED test_suite.py::test_fails_as_ever" in ran.stdout
    assert "ERROR test_suite.py::test_inconclusive_without_evidence" in ran.stdout
    assert "ERROR at the judgement of test_inconclusive_without_evidence" in ran.stdout
    assert "ERROR at setup" not in ran.stdout
    assert "wire.cut(redis.sent('GET')) left no evidence; seen instead: " in ran.stdout
    assert "SET" in ran.stdout.partition("sent('GET')) left no evidence; seen instead: ")[2].partition("\n")[0]
    assert "link.cut(redis) left no evidence; seen instead: no connection to redis was open" in ran.stdout
    assert "link.down(redis) left no evidence\n" in ran.stdout
    assert "AssertionError: says nothing" in ran.stdout, "the assertion is told as the cause"
    assert "ERROR test_suite.py::test_inconclusive_without_the_moment" in ran.stdout
    assert "postgres.idle(1) did not come in 0.05 s" in ran.stdout
