"""The target's `prepare` is run again, at once, on an empty database, in vain, and by a changed copy."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from harness import Lab, link, no_fault, postgres
from harness.checks import Verdict
from harness.errors import UsageError
from harness.history.events import PrepareEnded
from tests.scenario_live.support import REPOSITORY, Runs, history_of, left_over

REFUSED_CONNECT = "ConnectionRefusedError|Connect call failed"


def test_prepare_again_at_once_and_in_vain(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.prepare(copies=2)
        async with lab.inject(link.down(postgres)):
            await lab.prepare(fails=True, says=REFUSED_CONNECT)
        async with lab.prepare(empty=True):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert [ended.status for ended in history_of(result).of(PrepareEnded)] == [0, 0, 1, 0]
    assert left_over(runs.bed) == []


def test_prepare_that_fails(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(link.down(postgres)):
            await lab.prepare(tries=2)

    result = runs(play)

    assert (result.verdict, result.failing_checks) == (Verdict.FAILED, ("prepares",))
    assert re.match("prepares: prepare ended with status 1: ['\"]The migration failed: ", result.reason)
    assert [ended.fails for ended in history_of(result).of(PrepareEnded)] == [True, False]


def test_a_target_without_prepare(runs: Runs) -> None:
    description = runs.bed.target.description
    service = description.service.model_copy(update={"prepare": []})
    target = dataclasses.replace(runs.bed.target, description=description.model_copy(update={"service": service}))

    async def play(lab: Lab) -> None:
        with pytest.raises(UsageError, match="the target has no command that prepares"):
            await lab.prepare()
        await lab.inject(no_fault)
        await lab.deliver()

    assert runs.on(target=target)(play).verdict is Verdict.HELD


def _copied(folder: Path, before: str, after: str) -> Path:
    """The service with another migration."""
    shutil.copytree(REPOSITORY / "webhook", folder / "webhook", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "webhook" / "migrations" / "versions" / "v0001_deliveries.py"
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), "utf-8")
    return folder


async def _deliver(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver()


@pytest.mark.parametrize("own", [True, False], ids=["by the copy", "by the original"])
def test_a_copy_of_the_service_is_prepared_by_itself(runs: Runs, tmp_path: Path, own: bool) -> None:
    """The copy's table has no room for an id: nothing can be stored, unless the original has prepared the database."""
    copy = _copied(tmp_path, '"id", sa.Text,', '"id", sa.String(5),')
    result = dataclasses.replace(runs, bed=runs.bed.with_service_in(copy, prepares_own=own))(_deliver)

    assert result.verdict is (Verdict.INCONCLUSIVE if own else Verdict.HELD), result.reason
    assert ("StringDataRightTruncation" in result.reason or "refused" in result.reason) == own


def test_a_copy_that_cannot_prepare_does_not_start(runs: Runs, tmp_path: Path) -> None:
    copy = _copied(tmp_path, "def upgrade() -> None:", "def upgrade() -> None:\n    raise SystemExit('no schema')\n")
    result = dataclasses.replace(runs, bed=runs.bed.with_service_in(copy, prepares_own=True))(_deliver)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "prepare ended with status 1; the end of its output:\nno schema" in result.reason
