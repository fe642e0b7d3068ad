"""Reads the command line and turns whatever happens into an exit status."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from harness.cli.doctor import doctor
from harness.cli.faults import faults
from harness.cli.gate import gate
from harness.cli.replay import replay
from harness.cli.soak import soak
from harness.errors import HarnessError, UsageError
from harness.suite import ExitStatus


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def harness() -> None:
    """Break a service on purpose, and prove that it holds."""


for verb in (gate, doctor, replay, soak, faults):
    harness.add_command(verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; returns its exit status and raises nothing."""
    for stream in (sys.stdout, sys.stderr):
        # A code page that lacks a character of the service's log must not end a run.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        return int(harness.main(arguments, prog_name="harness", standalone_mode=False) or ExitStatus.HELD)
    except click.ClickException as problem:
        problem.show()
        return ExitStatus.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    except HarnessError as problem:
        sys.stderr.write(f"harness: {problem}\n")
        return ExitStatus.USAGE if isinstance(problem, UsageError) else ExitStatus.INCONCLUSIVE
    except Exception:  # noqa: BLE001  # told in full; Python's own status would say that a scenario failed
        traceback.print_exc()
        sys.stderr.write("harness: this is a defect of the harness, and says nothing of the service\n")
        return ExitStatus.INCONCLUSIVE
