"""A stack that stays up, and what is run on it: files as they are now, whatever a run does to itself."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from harness.stack import private_folder
from tests.cli.support import runs_by_id, summary_in
from tests.tiny import completed, harness_command, write_suite
from tests.up.support import Up, edit

PRELOADED = '"asyncpg", "starlette.applications", '
ENDS_PYTHON = """
import os
from harness import Lab, proves

@proves("store", fails="stored_once")
async def test_ends_python(lab: Lab) -> None:
    os._exit(0)
"""


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = write_suite(tmp_path_factory.mktemp("up"))
    with private_folder() as runtime:
        up = Up(folder, runtime)
        try:
            yield up
        finally:
            assert up.end() == 0, up.said
        assert not [*runtime.rglob("*.json"), *runtime.rglob("*.sock")]


@pytest.fixture
def suite(up: Up) -> Iterator[Path]:
    """The folder of the suite, with its files as they were at the end of the test."""
    kept = up.folder.with_name("kept")
    shutil.copytree(up.folder, kept, ignore=shutil.ignore_patterns(".results", "*.log"))
    yield up.folder
    shutil.rmtree(up.folder / "scenarios")
    shutil.copytree(kept, up.folder, dirs_exist_ok=True)
    shutil.rmtree(kept)


def test_runs_share_the_servers_and_leave_results(up: Up) -> None:
    servers = up.servers()
    assert servers
    data = {}
    for words, status in ((["cut", "--proofs"], 0), (["cut", "healthy", "--without", "retry"], 1)):
        process = up.run(*words)
        data = summary_in(up.folder)
        assert process.returncode == data["exit_status"] == status, process.stdout + process.stderr
        assert "bringing up" not in process.stdout + process.stderr
        assert data["complete"] is True
        assert {"postgres", "redis", "toxiproxy"} <= data["run"]["versions"].keys()
        assert data["run"]["command"].endswith(f"-m harness run {' '.join(words)}")
        assert data["run"]["verb"] == "run"
        assert ("cut: retry" in process.stdout) == ("--proofs" in words)
    assert {name: run["verdict"] for name, run in runs_by_id(data).items()} == {
        "cut": "failed",
        "healthy[no_fault]": "held",
    }
    logs = up.folder / ".results" / "latest" / "logs"
    assert "connection" in (logs / "postgres.log").read_text("utf-8"), "of the servers, this run's part"
    assert up.servers() >= servers
    assert up.services() == []


def test_what_was_saved_is_what_runs(up: Up, suite: Path) -> None:
    scenario = suite / "scenarios" / "all_verdicts.py"
    edit(
        scenario,
        "    await lab.inject(link.cut(postgres))\n    await lab.deliver()",
        "    await lab.deliver(expect=REFUSED)",
    )
    assert up.run("cut").returncode == 1
    edit(scenario, "test_cut", "test_another")
    assert "closest valid: 'another'" in up.run("anothre").stderr
    # The service, what it prepares its database with, and the target's own words for it.
    for file in (suite / "service.py", suite / "scenarios" / "target.toml"):
        edit(file, "stored ", "kept ") if file.suffix == ".py" else edit(file, "FROM stored", "FROM kept")
    edit(suite / "service.py", '"stored', '"kept')
    process = up.run("healthy")
    assert process.returncode == 0, process.stdout + process.stderr


def test_a_change_of_how_the_service_is_started_brings_up_new_servers(up: Up, suite: Path) -> None:
    target = suite / "scenarios" / "target.toml"
    before = target.read_text("utf-8")
    for text in (before.replace(PRELOADED, ""), before):  # and back, for the tests that come after this one
        target.write_text(text, "utf-8")
        process = up.run("cut")
        assert process.returncode == 0, process.stdout + process.stderr
        assert "the servers that stay up do not fit this run: bringing up others for it alone" in process.stdout
        process = up.run("cut")
        assert process.returncode == 0, process.stdout + process.stderr
        assert "bringing up" not in process.stdout, "they have been replaced since"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["healhty"], "mend: write 'healthy'"),
        (["cut", "--profile", "wohle"], "--profile: name = 'wohle': no such profile; closest valid: 'whole'"),
        (["cut", "--seed", "x"], "'x' is not a valid integer"),
        (["cut", "--postgres", "embedded"], "No such option"),
        ([], "Missing argument 'ID...'"),
    ],
)
def test_bad_words_are_told_as_ever(up: Up, words: list[str], said: str) -> None:
    process = up.run(*words)
    assert process.returncode == 4, process.stdout
    assert said in process.stderr
    assert "harness up" not in process.stderr


def test_files_that_cannot_be_read_are_told_and_the_next_run_is_well(up: Up, suite: Path) -> None:
    (suite / "scenarios" / "broken.py").write_text("async def test_broken(lab:\n", "utf-8")
    process = up.run("cut")
    assert process.returncode == 4
    assert "broken.py" in process.stderr
    assert "SyntaxError" in process.stderr
    (suite / "scenarios" / "broken.py").unlink()
    edit(suite / "service.py", "CREATE TABLE", "CREATE TABEL")
    process = up.run("cut")
    assert process.returncode == 3
    assert "[service] prepare = " in process.stderr
    assert "ended with status 1" in process.stderr
    edit(suite / "service.py", "CREATE TABEL", "CREATE TABLE")
    assert up.run("cut").returncode == 0


def test_an_interrupted_run_leaves_the_stack_to_the_one_that_waits(up: Up) -> None:
    servers, before = up.servers(), up.latest()
    with up.running("waits") as first:
        up.until_it_waits(before)
        interrupted = up.folder / ".results" / up.latest()
        with up.running("cut") as second:
            assert second.stdout is not None
            assert "waiting for the stack that stays up: another run is under way" in second.stdout.readline()
            first.send_signal(signal.SIGINT)
            said, _ = first.communicate(timeout=60)
            assert first.returncode == 2, said
            assert "interrupted" in said
            said, _ = second.communicate(timeout=60)
            assert second.returncode == 0, said
    assert '"exit_status": 2' in (interrupted / "summary.json").read_text("utf-8")
    assert up.servers() >= servers
    assert up.services() == []


def test_a_run_ends_with_the_one_that_asked_for_it(up: Up) -> None:
    before, said = up.latest(), up.said.count("run waits: exit status 2")
    with up.running("waits") as run:
        up.until_it_waits(before)
        run.kill()
    assert up.run("cut").returncode == 0
    up.until_said("run waits: exit status 2", times=said + 1)
    assert up.services() == []


def test_a_run_that_ends_python_ends_itself_alone(up: Up, suite: Path) -> None:
    family, said = up.servers(), up.said.count("replacing them")
    (suite / "scenarios" / "ends.py").write_text(ENDS_PYTHON, "utf-8")
    process = up.run("ends_python")
    assert process.returncode == 3, process.stdout
    assert "ended without a verdict: it says nothing" in process.stderr
    assert up.run("cut").returncode == 0
    assert up.said.count("replacing them") == said + 1
    assert not family & up.servers()


def test_the_asking_terminal_has_its_colours_and_its_width(up: Up) -> None:
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    terminal = {**up.environment, "TERM": "xterm-256color"}
    for name in ("NO_COLOR", "COLUMNS"):
        terminal.pop(name, None)
    run = subprocess.Popen(
        harness_command("run", "cut"), cwd=up.folder, env=terminal, stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    said = b""
    while part := _read(parent):
        said += part
    os.close(parent)
    assert run.wait() == 0, said
    held = next(line for line in said.decode().splitlines() if "+ held" in line)
    assert "\x1b[32m" in held
    assert len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", held[held.index("+ held") :])) <= 50


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # EIO: the other end of the terminal is closed
        return b""


def test_a_target_has_one_stack_and_several_targets_are_named(up: Up, suite: Path) -> None:
    taken = completed(harness_command("up"), cwd=suite, env=up.environment)
    assert taken.returncode == 4
    target, other = suite / "scenarios" / "target.toml", suite / "scenarios" / "other.toml"
    assert f"a stack stays up for {target} already" in taken.stderr
    shutil.copy(target, other)
    second = Up(suite, up.runtime, "--target", "scenarios/other.toml")
    try:
        process = up.run("cut")
        assert process.returncode == 4
        assert "several stacks stay up" in process.stderr
        assert str(target) in process.stderr
        assert str(other) in process.stderr
        process = up.run("cut", "--target", "scenarios/other.toml")
        assert process.returncode == 0, process.stdout + process.stderr
        assert summary_in(suite)["run"]["target"] == "scenarios/other.toml"
        before = up.latest()
        with second.running("waits", "--target", "scenarios/other.toml") as run:
            second.until_it_waits(before)
            assert second.services()
            second.end(signal.SIGKILL)
            said, _ = run.communicate(timeout=60)
            assert run.returncode == 3, said
            assert "ended without a verdict" in said
    finally:
        if second.process.poll() is None:
            second.end(signal.SIGKILL)
    process = up.run("nothing_of_this_name", "--target", "scenarios/other.toml")
    assert process.returncode == 4
    assert "no `harness up` runs for this: bringing up a stack for this run alone" in process.stderr
    assert len([*up.runtime.rglob("*.json"), *up.runtime.rglob("*.sock")]) == 2, "the first one's"
