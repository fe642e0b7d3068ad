"""`harness wrap`: runs any program behind the relay."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from harness.errors import HarnessError, UsageError
from harness.present.terminal.views.wrap import wrap_lines
from harness.processes.syscalls import notification_available
from harness.wrap.streams import own_streams
from harness.wrap.wrapping import Command, run_once, wrapper


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--host", "hosts", multiple=True, metavar="HOST",
              help="Relay connections to this other machine, too. May be given several times.")  # fmt: skip
def wrap(command: tuple[str, ...], hosts: tuple[str, ...]) -> int:
    """Run COMMAND, with all its children, behind the relay, and say what it connects to.

    Nothing of it is configured or changed: its TCP connections to servers of this machine are led through the relay to
    the servers that it dials.

    Exit status: the command's own (128 and the signal's number if a signal ended it).
    """
    _check_available()
    made = command_of(command, hosts)
    with wrapper() as wrapped, own_streams() as streams:
        ran = asyncio.run(run_once(wrapped, made, streams))
    for line in wrap_lines(ran.saw):
        click.echo("".join(text for text, _ in line), err=True)
    return ran.exit_status


def command_of(argv: Sequence[str], hosts: Iterable[str]) -> Command:
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
        raise HarnessError(f"connects cannot be led to the relay here: {found.detail}", hint=found.mend)
