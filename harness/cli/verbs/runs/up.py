"""`harness up`: starts the stack and keeps it, so that `harness run` need not start one."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.main import harness, main
from harness.cli.options import STACK, SUITE, options, stack_of
from harness.cli.stage import terminated_is_interrupted
from harness.engine.laying.testbed import Testbed
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.present.templates import compile_templates
from harness.suite import SuiteSettings
from harness.target import load_target
from harness.up.announcing import announced
from harness.up.entries import PACKAGE, Entry, sources_of
from harness.up.servers import UpServers
from harness.up.serving import serve


@click.command()
@options(SUITE[:2], STACK)
def up(*, scenarios: Path, target: Path | None, **given: Any) -> int:
    """Start the servers of a target, and keep them running until Ctrl-C or SIGTERM.

    `harness run ID` runs scenarios on them, each time from the current files of scenarios and service. Each target
    has one stack. However this command ends, no part of the stack outlives it.

    Exit status: 0 ended by Ctrl-C or SIGTERM; 3 it did not come up; 4 usage or configuration.
    """
    settings = SuiteSettings(scenarios=scenarios, target=target, stack=stack_of(given))
    load_target(settings.target_file)
    harness.commands["run"]  # imports it now, not in every fork
    compile_templates()
    # A .pyc matches its source by second and size. A file saved twice in one second must be noticed too.
    sys.dont_write_bytecode = True
    entry = Entry(
        target=str(settings.target_file.resolve()),
        directory=str(Path.cwd()),
        pid=os.getpid(),
        python=sys.executable,
        package=str(PACKAGE),
        sources=sources_of(PACKAGE),
    )
    try:
        with terminated_is_interrupted(), announced(entry) as listener, UpServers(settings) as servers:
            for line in _lines(servers.bring_up(click.echo), settings):
                click.echo(line)
            serve(listener, servers, _run)
    except KeyboardInterrupt:
        click.echo("down")
    return ExitStatus.HELD


def _run(arguments: Sequence[str], servers: UpServers) -> int:
    return main(["run", *arguments], servers=servers)


def _lines(bed: Testbed, settings: SuiteSettings) -> Iterator[str]:
    """Yield what runs where, and how to use it. A password is shown only if it was made for this stack."""
    yield f"up for {settings.target_file}, until Ctrl-C:"
    for name, server in bed.stack.all_servers.items():
        yield f"  {name:10} {server.version:10} {server.shown_url}"
    yield f"  {'logs':10} {'':10} {bed.logs}"
    yield "A scenario on it, as the files are now:"
    yield f"  {shlex.join([*harness_words(), 'run', 'ID'])}"
