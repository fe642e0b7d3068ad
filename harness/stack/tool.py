"""Runs a command of a tool (go, pip) to its end, as a child of the keeper, so that it cannot outlive the harness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.processes.keeper import Keeper, ProcessSpec


@dataclass(frozen=True, slots=True)
class ToolRun:
    """How a command ended: its exit status (negative: a signal) and its whole output."""

    command: str
    status: int
    output: str

    def require(self, *, hint: str) -> None:
        """Raise HarnessError with the end of the tool's output if it failed."""
        if self.status != 0:
            said = "\n    ".join(self.output.strip().splitlines()[-15:]) or "(it said nothing)"
            raise HarnessError(f"{self.command}: exit status {self.status}:\n    {said}", hint=hint)


@dataclass(frozen=True, slots=True)
class Tools:
    """Runs commands one after the other in `folder`, where their output is logged too."""

    keeper: Keeper
    folder: Path

    def run(self, name: str, argv: Sequence[str], env: Mapping[str, str], *, timeout_s: float) -> ToolRun:
        """Run a command. Raises HarnessError if it cannot be started or takes too long."""
        log = self.folder / f"{name}.log"
        mark = log.stat().st_size if log.exists() else 0
        spec = ProcessSpec(name=name, argv=tuple(argv), env=env, cwd=self.folder, log=log)
        process = self.keeper.spawn(spec)
        try:
            status = process.wait(timeout_s)
        except TimeoutError as error:
            hint = "see whether the network answers; a slow machine may need another try"
            message = f"{' '.join(argv)}: not done in {timeout_s:g} s:\n{process.log.tail()}"
            raise HarnessError(message, hint=hint) from error
        finally:
            process.stop()
        return ToolRun(command=" ".join(argv), status=status, output=process.log.read(mark))


@contextmanager
def tools(folder: Path, keeper: Keeper | None) -> Iterator[Tools]:
    """Run commands under `keeper`, or under a new one."""
    if keeper is not None:
        yield Tools(keeper, folder)
        return
    with Keeper.start() as own:
        yield Tools(own, folder)
