"""The one place where the harness itself starts a process: a bare interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from harness.errors import HarnessError

PROBE_TIMEOUT_S = 20.0

_BOOTSTRAP = Path(__file__).with_name("_bootstrap.py")


def bare_command(
    module: str, *arguments: str, site_packages: bool = False, python: str | None = None
) -> tuple[str, ...]:
    """Return the command line that runs `module`'s `main(arguments)` in a bare interpreter.

    `site_packages`: with the packages installed beside the harness. `python`: in this interpreter instead, which is not
    bare: it has its packages and reads the environment. Raises `HarnessError`.
    """
    if python is not None:
        return (python, str(_BOOTSTRAP), module, *arguments)
    if not sys.executable:
        raise HarnessError("this Python does not know its own path", hint="run the harness with a python executable")
    options = ("-I",) if site_packages else ("-I", "-S")
    return (sys.executable, *options, str(_BOOTSTRAP), module, *arguments)


def launch(module: str, *arguments: str, output: IO[bytes], pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start `module`'s `main(arguments)`, with its standard output and error in the file `output`.

    It leads its own session, so a terminal's signals do not reach it. Isolated and without site-packages, it starts
    fast and ignores the environment. Raises `HarnessError`.
    """
    command = bare_command(module, *arguments)
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter with our own file: no outside input
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=pass_fds,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise HarnessError(
            f"cannot start {command[0]!r}: {error}", hint="check that this user may execute it"
        ) from error


def run_probe(module: str) -> tuple[int, str]:
    """Run `module`'s `main` to its end; return its exit status and its output.

    Raises `HarnessError` if it cannot be started or does not end within 20 s.
    """
    with tempfile.TemporaryFile() as output:
        with launch(module, output=output) as process:
            status = _ended(process, module)
        return status, what_it_wrote(output)


def what_it_wrote(output: IO[bytes]) -> str:
    """Return the beginning of a launched module's output, 64 KiB at most."""
    return os.pread(output.fileno(), 65536, 0).decode(errors="replace").strip()


def _ended(process: subprocess.Popen[bytes], module: str) -> int:
    try:
        return process.wait(PROBE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise HarnessError(f"{module} did not end within {PROBE_TIMEOUT_S:.0f} s") from None
