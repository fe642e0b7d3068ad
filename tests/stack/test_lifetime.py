"""What is left of a run that was killed, and runs by other users than the tests' own."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from harness.processes.keeper import Keeper, ProcessSpec
from harness.protocols.postgres.running.binaries import find_postgres
from harness.stack import private_folder
from harness.stack.servers.readiness import NotReadyError, wait_ready
from harness.stack.toxiproxy.build import toxiproxy_server_path
from tests.stack.support import processes_in

PROGRAM = (sys.executable, "-m", "tests.stack.run_a_stack")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        monkeypatch.setenv("HARNESS_TMP", name)
        yield Path(name)


def others_may_enter(program: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in program.resolve().parents)


def environment(base: Path, **more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "HARNESS_TMP": str(base), "PYTHONPATH": path, **more}


def cache_without_data(folder: Path) -> str:
    """A cache that has Toxiproxy, and no data directory: initdb has to make one."""
    folder.mkdir()
    (folder / "toxiproxy").symlink_to(toxiproxy_server_path().parents[1])
    return str(folder)


def read_until(run: subprocess.Popen[str], line: str, times: int = 1) -> list[str]:
    """Return all lines up to the one that begins with `line` for that many times."""
    assert run.stdout is not None
    lines = []
    for text in run.stdout:
        lines.append(text.strip())
        times -= text.startswith(line)
        if times == 0:
            return lines
    raise AssertionError(f"{line!r} never came: {lines}")


def wait_gone(pid: int) -> None:
    def look() -> None:
        # It may end between two questions about it.
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                raise NotReadyError(f"process {pid} lives")

    wait_ready(look, ended=threading.Event(), deadline_s=20)


@pytest.mark.parametrize(
    ("moment", "times"),
    [("spawned initdb", 1), ("spawned postgres", 1), ("spawned toxiproxy", 1), ("ready", 1), ("spawned postgres", 2)],
    ids=["in initdb", "postgres starting", "toxiproxy starting", "ready", "postgres restarting"],
)
def test_a_run_killed_at_any_moment_leaves_no_process_and_the_next_run_no_folder(
    base: Path, tmp_path: Path, moment: str, times: int
) -> None:
    env = environment(base, HARNESS_CACHE_DIR=cache_without_data(tmp_path / "cache"))
    with subprocess.Popen(PROGRAM, env=env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        keeper = int(read_until(run, "keeper")[-1].split()[1])
        read_until(run, moment, times)
        run.kill()
    assert run.returncode == -signal.SIGKILL
    wait_gone(keeper)
    assert not processes_in(base)
    left = [path for path in base.iterdir() if path.is_dir()]
    assert len(left) == 1, "a killed run leaves its folder: else there is nothing to clean up"
    with private_folder() as folder:
        assert [path for path in base.iterdir() if path.is_dir()] == [folder]
    assert list(base.iterdir()) == []


def test_a_run_by_an_unprivileged_user(keeper: Keeper, base: Path) -> None:
    """As root, in a user namespace without any capability; as anybody else, as he is."""
    log = base / "run.log"
    run = keeper.spawn(
        ProcessSpec(name="run", argv=PROGRAM, env=environment(base), cwd=ROOT, log=log, as_user="mapped")
    )
    assert run.wait(60) == 0, run.log.read()
    lines = run.log.read().splitlines()
    ready = next(line for line in lines if line.startswith("ready as "))
    assert not ready.startswith("ready as 0,")
    assert lines[-1] == "ended"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close user namespaces for a process of its own")
def test_a_run_by_root_where_user_namespaces_are_closed(base: Path) -> None:
    """PostgreSQL then runs as uid 65534, in a folder that was given to it."""
    if not others_may_enter(find_postgres("embedded").initdb):
        pytest.skip("the environment lies in a folder that only root may enter, as tox makes it")
    base.chmod(0o711)
    done = subprocess.run(
        (sys.executable, "-m", "tests.stack.without_namespaces", *PROGRAM),
        env=environment(base),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ready as 0, postgres folder of 65534" in done.stdout.splitlines()
    assert [path for path in base.iterdir() if path.name.startswith("harness-")] == []
