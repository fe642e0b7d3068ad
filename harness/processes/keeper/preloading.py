"""A Python that has loaded a program's libraries, as the harness sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.processes.bare import bare_command
from harness.processes.keeper.inside.preloaded import OWN
from harness.processes.keeper.kept import KeptProcess
from harness.processes.keeper.spec import ProcessSpec

READ_AT_START = re.compile(r"PYTHON|LD_|GLIBC_|MALLOC_|LC_|LANG|TZ$")
"""Environment variables that an interpreter or its modules read only at start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreloadSpec:
    """What to load for a program that is run as `PYTHON -m MODULE ...` or `PYTHON FILE ...`.

    `program`: (PYTHON, "-m", MODULE) or (PYTHON, FILE). `modules`: what to import, in this order; none may start a
    thread. `own`: then these of the program's own modules, which a child imports again only if one of its own modules
    has changed. `env` is complete; only variables count that an interpreter reads when it starts.
    """

    program: tuple[str, ...]
    modules: tuple[str, ...]
    own: tuple[str, ...] = ()
    env: Mapping[str, str]
    cwd: Path
    log: Path

    @property
    def process(self) -> ProcessSpec:
        """How the preloaded Python itself is started."""
        python, *rest = self.program
        first_on_path = self.cwd if rest[0] == "-m" else (self.cwd / rest[0]).resolve().parent
        words = (str(first_on_path), *self.modules, *((OWN, *self.own) if self.own else ()))
        return ProcessSpec(
            name="preloaded Python",
            argv=bare_command("harness.processes.keeper.inside.preloaded", *words, python=python),
            env=self.env,
            cwd=self.cwd,
            log=self.log,
        )

    def fits(self, spec: ProcessSpec) -> bool:
        """Return whether a fork would be equal to the spawned process."""
        return (
            spec.argv[: len(self.program)] == self.program
            and spec.cwd == self.cwd
            and spec.as_user == "same"
            and _read_at_start(spec.env) == _read_at_start(self.env)
        )


class Starts(Protocol):
    """Makes the keeper start a process."""

    def __call__(
        self, spec: ProcessSpec, *, preloads: bool = False, forked_by: KeptProcess | None = None
    ) -> KeptProcess:
        """Start the process, by a fork of `forked_by` or by the keeper. `preloads`: it will take orders to fork."""
        ...


class PreloadedPython:
    """Starts processes by fork. A process for which a fork does not fit is spawned by the keeper."""

    def __init__(self, spec: PreloadSpec, start: Starts) -> None:
        self.spec = spec
        self._start = start
        self._has_forked = False
        self.process = self._preload()

    def spawn(self, spec: ProcessSpec) -> KeptProcess:
        """Run a process; return when its program runs. Raises `HarnessError` with the fix if it cannot.

        A preloaded Python that was killed, or ended after it had forked, is started again.
        """
        if not self.spec.fits(spec):
            return self._start(spec)
        status = self.process.poll()
        if status is not None and (self._has_forked or status < 0):
            self.process = self._preload()
        forked = self._start(spec, forked_by=self.process)
        self._has_forked = True
        return forked

    def _preload(self) -> KeptProcess:
        return self._start(self.spec.process, preloads=True)


def _read_at_start(env: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in env.items() if READ_AT_START.match(name)}
