"""`harness wrap`: runs any program behind the relay; with `--sweep` once for each of its statements."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.options import OUTPUT, Output, options, output_of
from harness.cli.stage import finished, on_screen
from harness.errors import HarnessError, UsageError
from harness.exit_status import ExitStatus
from harness.invocation import harness_words
from harness.present.ci.wrap_junit import wrap_junit_text
from harness.present.maps.wrap_page import write_page
from harness.present.terminal.views.search.wrap import wrap_lines
from harness.present.terminal.views.search.wrap_sweep import cell_lines, sweep_lines
from harness.processes.syscalls import notification_available
from harness.results.files import write_atomically
from harness.results.folder import new_results_folder
from harness.suite.settings import RESULTS
from harness.suite.status import verdicts_status
from harness.wrap.streams import own_streams
from harness.wrap.sweep.results import JSON_FILE, document_of
from harness.wrap.sweep.sweeper import Choice, Sweeper
from harness.wrap.wrapping import Command, run_once, wrapper

UNITS = {"s": 1, "m": 60, "h": 3600}
BUDGET = "10m"


class Duration(click.ParamType[float]):
    """A time such as 90s, 10m or 1h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return it in seconds."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if found is None or not float(found[1]):
            self.fail(f"{value!r} is not a time such as 90s, 10m or 1h.", param, ctx)
        return float(found[1]) * UNITS[found[2] or "s"]


SWEEP = (
    click.option("--sweep", is_flag=True, help="Run it once for each statement and each way to break it."),
    click.option("--only", default="", metavar="TEXT", help="With --sweep: only breaks whose ids contain TEXT."),
    click.option("--budget", type=Duration(), default=BUDGET, show_default=True, metavar="TIME",
                 help="With --sweep: how long to try breaks, the most important first."),
    click.option("--junit", type=click.Path(path_type=Path), metavar="FILE",
                 help="With --sweep: the JUnit report that COMMAND writes. Not needed for pytest."),
    click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
                 help="With --sweep: the folder for the results."),
)  # fmt: skip


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--host", "hosts", multiple=True, metavar="HOST",
              help="Relay connections to this other machine, too. May be given several times.")  # fmt: skip
@options(SWEEP, OUTPUT)
def wrap(
    command: tuple[str, ...], hosts: tuple[str, ...], *, sweep: bool, only: str, budget: float, junit: Path | None,
    results: Path, **given: Any,
) -> int:  # fmt: skip
    """Run COMMAND, with all its children, behind the relay, and report what it connects to.

    The command and its configuration stay as they are. Its TCP connections to servers of this machine pass through the
    relay. The exit status is the command's own; if a signal ended it, 128 plus the signal's number.

    With --sweep it runs twice with nothing broken, and then once for each statement and each way to break it. Exit
    status then: 0 no break changed the result; 1 one did; 2 interrupted; 3 inconclusive, or the unbroken command
    fails; 4 usage; 5 nothing was broken.
    """
    _check_available()
    made, output = _command_of(command, hosts), output_of(given)
    if sweep:
        return _sweep(made, Choice(only=only, budget_s=budget, junit=junit), results, output)
    with wrapper() as wrapped, own_streams() as streams:
        ran = asyncio.run(run_once(wrapped, made, streams))
    for line in wrap_lines(ran.saw):
        click.echo("".join(text for text, _ in line), err=True)
    return ran.exit_status


def _sweep(command: Command, choice: Choice, results: Path, output: Output) -> ExitStatus:
    shown = shlex.join(command.argv)
    folder = new_results_folder(results)
    try:
        with on_screen(output) as screen, wrapper() as wrapped:
            sweeper = Sweeper(
                wrapped, command, choice, folder.logs,
                tell=lambda result: screen.write_all(cell_lines(result)), progress=screen.progress,
            )  # fmt: skip
            found = sweeper.found

            def play() -> ExitStatus:
                asyncio.run(sweeper.play())
                return verdicts_status({result.verdict for result in found.cells})

            def write(complete: bool, status: ExitStatus) -> None:
                document = document_of(found, complete=complete, exit_status=int(status), command=shown)
                write_atomically(folder.path / JSON_FILE, json.dumps(document, indent=1) + "\n")
                write_atomically(folder.junit, wrap_junit_text(found))
                write_page(found, folder.path, command=shown)

            status = finished(screen, play, write)
            repro = shlex.join([*harness_words(), "wrap", "--sweep", "--only"]) + f" '{{id}}' -- {shown}"
            screen.write_all(sweep_lines(found, folder.shown, repro))
            if output.as_json:
                click.echo((folder.path / JSON_FILE).read_text("utf-8"), nl=False)
    finally:
        folder.release()
    return status


def _command_of(argv: Sequence[str], hosts: Iterable[str]) -> Command:
    """The command, in this folder and environment. Raises UsageError for a host that is unknown."""
    machines = [address for host in hosts for address in _addresses(host)]
    return Command(argv=argv, cwd=Path.cwd(), env=dict(os.environ), machines=machines)


def _addresses(host: str) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as problem:
        raise UsageError.at("command line", "--host", host, str(problem), mend="write its name or address") from problem
    return sorted({str(address[0]) for *_, address in found})


def _check_available() -> None:
    found = notification_available()
    if not found.available:
        raise HarnessError(f"connects cannot be redirected to the relay here: {found.detail}", hint=found.mend)
