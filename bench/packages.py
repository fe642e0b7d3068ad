"""The packages that only the benchmarks need: an environment from requirements/bench.txt, and sdists."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import filelock

from bench.arms import Progress
from harness.errors import HarnessError
from harness.stack.cache import cache_folder

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"
LOCK = REQUIREMENTS / "bench.txt"
COMPLETE = "complete"
PIP = ("--no-input", "--disable-pip-version-check", "--quiet")


def bench_python(progress: Progress) -> Path:
    """Return the interpreter of an environment with bench.txt's packages, made once in the cache folder."""
    name = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / "bench" / f"python{platform.python_version()}-{name}"
    folder.parent.mkdir(exist_ok=True)
    python = folder / "bin" / "python"
    with filelock.FileLock(f"{folder}.lock"):
        if not (folder / COMPLETE).exists():
            progress(f"installing {LOCK.name} into {folder}")
            venv.create(folder, clear=True, with_pip=True)
            _pip(python, "install", "--require-hashes", "-r", str(LOCK))
            (folder / COMPLETE).touch()
    return python


def test_suite(distribution: str, progress: Progress) -> Path:
    """Return a folder with the `tests` of the locked version's sdist, and no other importable code."""
    requirement = locked(LOCK.read_text("utf-8"), distribution)
    version = requirement.split()[0].partition("==")[2]
    folder = cache_folder() / "bench" / f"{distribution}-{version}-tests"
    folder.parent.mkdir(exist_ok=True)
    with filelock.FileLock(f"{folder}.lock"), tempfile.TemporaryDirectory(dir=folder.parent) as name:
        if not folder.exists():
            progress(f"fetching the sdist of {distribution} {version}")
            _unpack(_sdist(requirement, distribution, Path(name)), Path(name) / "suite")
            shutil.move(Path(name) / "suite", folder)
    return folder


def locked(text: str, distribution: str) -> str:
    """Return a distribution's requirement with its hashes from a lock. Raises HarnessError."""
    logical = text.replace("\\\n", " ").splitlines()
    found = [" ".join(line.split()) for line in logical if line.partition("==")[0] == distribution]
    if len(found) != 1:
        raise HarnessError(
            f"{LOCK.name} has {len(found)} lines for {distribution}", hint="make it again: requirements/README.md"
        )
    return found[0]


def _sdist(requirement: str, distribution: str, folder: Path) -> Path:
    """Download it, checked against the lock's hashes. pip builds its metadata, in an environment that pip makes."""
    wanted = folder / "wanted.txt"
    wanted.write_text(requirement + "\n", "utf-8")
    options = ("--require-hashes", "--no-deps", "--no-binary", distribution, "-d", str(folder), "-r", str(wanted))
    _pip(Path(sys.executable), "download", *options)
    return next(folder.glob("*.tar.gz"))


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack tests and configuration, but not the package itself: the tests must use the installed one."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            _, _, inner = member.name.partition("/")
            if inner.split("/")[0] in ("tests", "pyproject.toml"):
                member.name = inner
                tar.extract(member, folder, filter="data")


def _pip(python: Path, *words: str) -> None:
    _run([str(python), "-m", "pip", words[0], *PIP, *words[1:]])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HarnessError(f"{' '.join(command[:4])} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
