"""`python -m bench.transparency NAME`: runs a driver's own tests, or a load generator, direct and through the relay."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from bench.packages import bench_python, test_suite
from bench.transparency.loads import LOADS, compare
from bench.transparency.outcomes import Difference, Outcomes, counted, differences, read_excused
from bench.transparency.playing import Played, Player
from bench.transparency.suites import SUITES
from harness.errors import HarnessError

AGAIN = 2
"""How many more times tests with different results run, both ways: some are unsteady by themselves."""
EXIT_DIFFERENT = 1
EXIT_FAILED = 3


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", type=click.Choice((*SUITES, *LOADS)))
@click.option("--limit", metavar="EXPRESSION", help="Only tests that match this expression, like pytest's -k.")
@click.option("--tls", is_flag=True, help="Through the relay in TLS: it takes nothing else. For asyncpg.")
@click.option("--keep", type=click.Path(path_type=Path), help="Leave logs and results in this folder.")
def main(name: str, limit: str | None, tls: bool, keep: Path | None) -> None:
    """Run the tests, or the load, of NAME direct and through the relay, and report the differences.

    Exit status: 0 no difference, except those excused by name; 1 a difference; 3 something broke.
    """
    if tls and (name not in SUITES or SUITES[name].excused_in_tls is None):
        raise click.UsageError(f"--tls: {name} is not told how to speak it; asyncpg asks for it by itself")
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            logs = (keep or Path(folder)).absolute()
            logs.mkdir(parents=True, exist_ok=True)
            sys.exit(asyncio.run(_loaded(name, logs) if name in LOADS else _tested(name, limit, logs, tls=tls)))
    except HarnessError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_FAILED)


async def _loaded(name: str, logs: Path) -> int:
    for what, (direct, relayed) in (await compare(LOADS[name], logs)).items():
        click.echo(f"{what:40} direct {direct:10.0f}/s   relayed {relayed:10.0f}/s   {relayed / direct:.2f}")
    click.echo(f"{name}: all that was asked for was done, either way; load average {os.getloadavg()[0]:.1f}")
    return 0


async def _tested(name: str, limit: str | None, logs: Path, *, tls: bool) -> int:
    suite = SUITES[name]
    player = Player(suite, bench_python(_tell), test_suite(suite.distribution, _tell), logs, tls)
    chosen = ("-k", limit) if limit else ()
    direct = [(await _played(player, chosen, relayed=False)).outcomes]
    through = await _played(player, chosen, relayed=True)
    relayed = [through.outcomes]
    await _repeat(player, direct, relayed)
    if not through.connections:
        raise HarnessError("no connection passed through the relay", hint="the suite was told of another server")
    found = differences(direct, relayed)
    click.echo(f"{len({*direct[0], *relayed[0]})} tests, {through.connections} connections through the relay")
    lists = [suite.excused, *([suite.excused_in_tls] if tls and suite.excused_in_tls else [])]
    return _told(found, {test: why for each in lists for test, why in read_excused(each.read_text("utf-8")).items()})


async def _played(player: Player, chosen: Sequence[str], *, relayed: bool) -> Played:
    played = await player.play(relayed=relayed, arguments=chosen)
    _tell(f"{'relayed' if relayed else 'direct'}: {counted(played.outcomes)}; load average {os.getloadavg()[0]:.1f}")
    return played


async def _repeat(player: Player, direct: list[Outcomes], relayed: list[Outcomes]) -> None:
    """Run tests with different results again, to tell a difference from an unsteady test."""
    names = {each.test.rpartition("::")[2].partition("[")[0] for each in differences(direct, relayed)}
    if not names:
        return
    _tell(f"again, {AGAIN} times: {', '.join(sorted(names))}")
    chosen = ("-k", " or ".join(sorted(names)))
    for _, (runs, through) in itertools.product(range(AGAIN), ((direct, False), (relayed, True))):
        runs.append((await player.play(relayed=through, arguments=chosen)).outcomes)


def _told(found: Sequence[Difference], excused: Mapping[str, str]) -> int:
    """Print each difference; return the exit status."""
    unexcused = 0
    for each in found:
        reason = excused.get(each.test.partition("[")[0]) or ("" if each.steady else "unsteady by itself")
        unexcused += not reason
        click.echo(f"{each}" + (f"  ({reason})" if reason else "  DIFFERS"))
    click.echo(f"{unexcused} differ through the relay, {len(found) - unexcused} more are excused or unsteady")
    return EXIT_DIFFERENT if unexcused else 0


def _tell(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
