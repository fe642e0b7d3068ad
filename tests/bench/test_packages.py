from __future__ import annotations

import pytest

from bench.packages import LOCK, REQUIREMENTS, locked
from harness.errors import HarnessError

TEXT = """\
# made by a tool
redis==8.1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
redis-entraid==1.2.2 \\
    --hash=sha256:cc
"""


def test_a_locked_requirement_has_its_hashes() -> None:
    assert locked(TEXT, "redis") == "redis==8.1.0 --hash=sha256:aa --hash=sha256:bb"


def test_what_is_not_locked_is_told() -> None:
    with pytest.raises(HarnessError, match="0 lines for asyncpg"):
        locked(TEXT, "asyncpg")


@pytest.mark.parametrize("distribution", ["asyncpg", "redis", "pytest"])
def test_the_suites_run_on_the_versions_that_the_project_uses(distribution: str) -> None:
    ours = (REQUIREMENTS / "dev.txt").read_text("utf-8")

    assert locked(LOCK.read_text("utf-8"), distribution) == locked(ours, distribution)
