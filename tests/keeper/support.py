"""What the tests of the keeper share: programs to run, and a look at what runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from harness.processes.keeper import ProcessSpec

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
MARK = "KEEPER_TEST_MARK"

# A child that ignores every polite signal, and has a descendant in a session of its own whose
# parents are gone, which has a child again.
STUBBORN_TREE = """
import os, signal
for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(signum, signal.SIG_IGN)
readable, writable = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.fork()
        os.write(writable, b"x")
        while True:
            signal.pause()
    os._exit(0)
seen = b""
while len(seen) < 2:
    seen += os.read(readable, 2)
os.wait()
print("tree is up", flush=True)
while True:
    signal.pause()
"""
STUBBORN_TREE_SIZE = 3


def open_harness(root: Path = ROOT) -> str:
    """Return the head of a program that uses the harness without its own `__init__`.

    That one needs third-party packages, which another Python may lack, and time.
    """
    return f"""
import sys, types
package = types.ModuleType("harness")
package.__path__ = [{str(root / "harness")!r}]
sys.modules["harness"] = package
sys.path.insert(0, {str(root)!r})
"""


def wait_for(look: Callable[[], T], *, within_s: float = 15.0) -> T:
    """Look until it is true; the last look if it never is, for the assertion to show."""
    limit = time.monotonic() + within_s
    while not (found := look()) and time.monotonic() < limit:
        time.sleep(0.01)  # the one poll of the tests: for states of other processes, of which no event is to be had
    return found


def marked(mark: str) -> list[int]:
    """Pids of the living processes with this mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if wanted in _environment(folder)]


def running(pid: int) -> bool:
    """Whether it exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def python_spec(folder: Path, code: str, *, env: Mapping[str, str] | None = None, name: str = "child") -> ProcessSpec:
    """A Python program, with a log in the folder."""
    return ProcessSpec(
        name=name,
        argv=(sys.executable, "-c", code),
        env={"PATH": os.environ["PATH"], **(env or {})},
        cwd=folder,
        log=folder / f"{name}.log",
    )


def shell_spec(folder: Path, script: str, *, name: str = "child") -> ProcessSpec:
    """A shell script, with a log in the folder."""
    return ProcessSpec(
        name=name,
        argv=("sh", "-c", script),
        env={"PATH": os.environ["PATH"]},
        cwd=folder,
        log=folder / f"{name}.log",
    )


def _environment(folder: Path) -> list[bytes]:
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return []  # gone, or another user's: none of ours
