"""Reads the command line, and turns every outcome into an exit status."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from harness.cli.listing import VerbGroup, Verbs
from harness.errors import HarnessError, UsageError
from harness.exit_status import ExitStatus
from harness.invocation import harness_words

if TYPE_CHECKING:
    from harness.up.servers import UpServers


@click.group(cls=VerbGroup, commands=Verbs(), context_settings={"help_option_names": ["-h", "--help"]})
def harness() -> None:
    """Break a service on purpose, and prove that it holds."""


def _mend(problem: click.ClickException) -> str:
    """Return what the user can write instead."""
    context = problem.ctx if isinstance(problem, click.UsageError) else None
    if isinstance(problem, (click.NoSuchOption, click.NoSuchCommand)) and problem.possibilities:
        return f"write {problem.possibilities[0]}"
    parameter = problem.param if isinstance(problem, click.BadParameter) else None
    if isinstance(parameter, click.Option) and context is not None:
        default = parameter.get_default(context)
        least = getattr(parameter.type, "min", None)
        if _is_number(parameter):
            fits = next((value for value in (default, least) if isinstance(value, (int, float)) and value), 1)
            return f"write {parameter.opts[-1]} {fits}, say"
    return f"see {context.command_path if context else shlex.join(harness_words())} --help"


def _is_number(option: click.Option) -> bool:
    return isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType))


def main(arguments: Sequence[str] | None = None, *, servers: UpServers | None = None) -> int:
    """Run a verb. Return its exit status; raise nothing. `servers`: servers that stay up, for `run`."""
    for stream in (sys.stdout, sys.stderr):
        # A code page that lacks a character of the service's log must not end a run.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        called = shlex.join(harness_words())
        return int(harness.main(arguments, prog_name=called, standalone_mode=False, obj=servers) or ExitStatus.HELD)
    except click.ClickException as problem:
        problem.show()
        sys.stderr.write(f"  mend: {_mend(problem)}\n")
        return ExitStatus.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    except HarnessError as problem:
        sys.stderr.write(f"harness: {problem}\n")
        return ExitStatus.USAGE if isinstance(problem, UsageError) else ExitStatus.INCONCLUSIVE
    except Exception:  # noqa: BLE001  # told in full; Python's own status would say that a scenario failed
        traceback.print_exc()
        sys.stderr.write("harness: this is a defect of the harness, and says nothing about the service\n")
        return ExitStatus.INCONCLUSIVE
