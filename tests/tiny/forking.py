"""Runs the command line in forks of a Python that has imported it, as `harness run` does on servers that stay up.

Every command would import for a second. A fork has the folder, environment and streams that the command is given, and
ends like any program; `tests/cli/test_interruption.py` and others run commands that have imported by themselves.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import importlib.metadata
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

CHECKOUT = Path(__file__).parents[2]


class Forks:
    """The Python that forks: one for all tests of a process. `close` ends it."""

    def __init__(self) -> None:
        self._python = subprocess.Popen(
            [sys.executable, __file__],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # an answer that waits in a buffer of this process would not be seen to have come
        )

    def close(self) -> None:
        """End it. Nothing is running then."""
        self._python.communicate()

    def run(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], within_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raises subprocess.TimeoutExpired, and then it is killed."""
        with TemporaryDirectory(prefix="harness-command-") as name:
            out, err = Path(name, "out"), Path(name, "err")
            pid = self._asked(
                {"words": [*words], "cwd": str(cwd), "env": {**env}, "out": str(out), "err": str(err)},
                within_s=within_s,
            )
            try:
                status = self._answer(within_s)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._answer(within_s)
                raise subprocess.TimeoutExpired([*words], within_s, out.read_bytes(), err.read_bytes()) from None
            return subprocess.CompletedProcess(
                [*words], status, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace")
            )

    def _asked(self, order: Mapping[str, Any], *, within_s: float) -> int:
        assert self._python.stdin is not None
        self._python.stdin.write(json.dumps(order).encode() + b"\n")
        self._python.stdin.flush()
        return self._answer(within_s)

    def _answer(self, within_s: float) -> int:
        assert self._python.stdout is not None
        readable, _, _ = select.select([self._python.stdout], [], [], within_s)
        if not readable:
            raise TimeoutError
        return int(self._python.stdout.readline())


@functools.cache
def forks() -> Forks:
    """The one of this process, started when it is first needed."""
    started = Forks()
    atexit.register(started.close)
    return started


def _import_all() -> None:
    """What a command imports and compiles, and what pytest imports when it collects the scenarios."""
    main = importlib.import_module("harness.cli.main")
    list(main.harness.commands.values())
    importlib.import_module("harness.present.templates").compile_templates()
    for plugin in importlib.metadata.entry_points(group="pytest11"):
        if plugin.name != "schemathesis":
            plugin.load()
    gc.collect()
    gc.freeze()


def _serve() -> dict[str, Any]:
    """Fork for each order that comes, and tell the fork's pid, and then its status. Return the order in the fork."""
    for line in sys.stdin.buffer:
        pid = os.fork()
        if pid == 0:
            order: dict[str, Any] = json.loads(line)
            return order
        os.write(1, b"%d\n" % pid)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    sys.exit(0)


def _become(order: Mapping[str, Any]) -> None:
    """Take the folder, the environment and the streams of the command."""
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    for stream, path, flags in ((0, os.devnull, os.O_RDONLY), (1, order["out"], _NEW), (2, order["err"], _NEW)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, stream)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.argv = [str(CHECKOUT / "harness" / "__main__.py"), *order["words"]]
    sys.path[0] = order["cwd"]
    sys.path.insert(1, str(CHECKOUT))


_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

if __name__ == "__main__":
    _import_all()
    _become(_serve())
    from harness.__main__ import main

    sys.exit(main())
