"""A stack that stays up, as a user has one: `harness up` in a folder with a suite."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.cli.support import command_of, lives, name_of
from tests.keeper.support import wait_for
from tests.tiny import completed, environment, harness_command

WITHIN_S = 60.0


def until(look: Callable[[], bool], what: Callable[[], str]) -> None:
    assert wait_for(look, within_s=WITHIN_S), what()


class Up:
    """`harness up` under way. `runtime`: where it is announced, an existing folder of mode 0700."""

    def __init__(self, folder: Path, runtime: Path, *words: str) -> None:
        self.folder = folder
        self.runtime = runtime
        self.environment = environment({"XDG_RUNTIME_DIR": str(runtime)})
        self._log = folder / f"{'-'.join(('up', *words)).replace('/', '_')}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                harness_command("up", *words), cwd=folder, env=self.environment, stdout=log, stderr=log
            )
        self.until_said("run ID")

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8")

    def until_said(self, words: str, times: int = 1) -> None:
        until(lambda: self.said.count(words) >= times or self.process.poll() is not None, lambda: self.said)
        assert self.said.count(words) >= times, self.said

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def servers(self) -> set[int]:
        return {each.pid for each in self.family() if name_of(each) in {"postgres", "redis-server"}}

    def services(self) -> list[psutil.Process]:
        """Services that run: spawned, or forked by the preloaded Python, whose command line those have, too."""
        commands = {each: command_of(each) for each in self.family()}
        forked = [each for each, command in commands.items() if "preloaded" in " ".join(command)]
        return [each for each, command in commands.items() if command[-1:] == ["service.py"]] + forked[1:]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return completed(harness_command("run", *words), cwd=self.folder, env=self.environment)

    def running(self, *words: str) -> subprocess.Popen[str]:
        """A run under way, its output in one pipe."""
        return subprocess.Popen(
            harness_command("run", *words), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def until_it_waits(self, before: object) -> None:
        """Wait until a scenario that waits has begun, in a later run than `before`."""
        until(lambda: self.latest() != before and "step.began" in self._history(), lambda: self.said)

    def latest(self) -> str:
        link = self.folder / ".results" / "latest"
        return link.readlink().name if link.is_symlink() else ""

    def _history(self) -> str:
        file = self.folder / ".results" / "latest" / "history" / "waits@whole.jsonl"
        return file.read_text("utf-8") if file.exists() else ""

    def end(self, signum: int = signal.SIGINT) -> int:
        """End it; return its status when nothing of it is left."""
        family = self.family()
        self.process.send_signal(signum)
        status = self.process.wait(WITHIN_S)
        until(lambda: not any(lives(each) for each in family), lambda: f"{family} end; it said {self.said}")
        return status


def edit(file: Path, old: str, new: str) -> None:
    """Save a file as an editor does: another one takes its place."""
    text = file.read_text("utf-8")
    assert old in text, f"{old!r} is not in {file}"
    saved = file.with_name(f".{file.name}.saved")
    saved.write_text(text.replace(old, new), "utf-8")
    saved.replace(file)
