"""`python -m bench` lists the benchmarks, `python -m bench NAME` runs one, `--compare BASE` compares two commits."""

from __future__ import annotations

import datetime as dt
import functools
import importlib.metadata
import platform
import shlex
import sys
from math import inf

import click

from bench.arms import Plan
from bench.bulk import bulk
from bench.compare import COMPARED, ROUNDS, compared
from bench.crossings import relay
from bench.faults import faults
from bench.growth import growth
from bench.options import Benchmark, Found, Options
from bench.overhead import overhead
from bench.report import Report
from bench.requests import bare, group, healthy, switches
from bench.start import start
from harness.errors import HarnessError, UsageError

BENCHMARKS = (
    Benchmark("healthy", "hardened against unprotected, and the incident's fix, with all servers healthy", healthy),
    Benchmark("bare", "hardened against a bare insert of the same row, and the steps between them", bare),
    Benchmark("switches", "hardened against itself without one protection, each in turn", switches),
    Benchmark("group", "group commit against single ones, a bare insert and unprotected, 1 to 32 at once", group),
    Benchmark("start", "service, imports, keeper and servers: how long each takes to start", start),
    Benchmark("overhead", "how long the gate itself takes for a scenario, by phase", overhead),
    Benchmark("relay", "a round trip through the relay, Toxiproxy and asyncpg's test proxy", relay),
    Benchmark(
        "bulk", "payloads of 64 KiB to 8 MiB through the relay and Toxiproxy, and memory while 1 GiB passes", bulk
    ),
    Benchmark(
        "growth",
        "what one run, request, message and connection costs where there are 2 and 4 times as many",
        growth,
    ),
    Benchmark("faults", "judged faults per second: the sweep, a hand-written loop, and Chaos Toolkit", faults),
)
PACKAGES = ("sqlalchemy", "asyncpg", "redis", "starlette", "uvicorn", "httptools")
EXIT_FAILED = 3
EXIT_USAGE = 4


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False)
@click.option("--rounds", type=click.IntRange(1), help="How many rounds, at any length. Default: as many as fit.")
@click.option(
    "--seconds",
    type=click.FloatRange(1),
    help="The time for all rounds. Default: 75; with --compare: no limit.",
)
@click.option(
    "--compare",
    "base",
    metavar="BASE",
    help=f"Run the benchmark of this checkout and of the commit BASE in turn; without NAME: {', '.join(COMPARED)}.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the order in which arms take turns.")
@click.option("--requests", type=click.IntRange(20), default=120, show_default=True, help="Requests a sample.")
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Requests at a time.")
@click.option("--body-bytes", type=click.IntRange(100, 1 << 20), default=1000, show_default=True, help="Of a delivery.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def main(name: str | None, base: str | None, as_json: bool, seconds: float | None, **how: int) -> None:
    """Run the benchmark NAME; without a name, list them."""
    if name is None and base is None:
        _list()
        return
    unlimited = base is not None and seconds is None
    progress = functools.partial(click.echo, err=True)
    options = Options(budget_s=inf if unlimited else seconds or 75.0, progress=progress, **how)
    try:
        found = _found(name, base, options)
    except HarnessError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED)
    report = Report(
        name=name or "two commits",
        command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        versions={"python": platform.python_version(), **{each: importlib.metadata.version(each) for each in PACKAGES}},
        tables=found.tables,
        notes=found.notes,
    )
    click.echo(report.json() if as_json else report.text())


def _found(name: str | None, base: str | None, options: Options) -> Found:
    if base is None:
        return _find(name or "").run(options)
    names = COMPARED if name is None else [_find(name).name]
    load = {"requests": options.requests, "concurrency": options.concurrency, "body-bytes": options.body_bytes}
    return compared(
        base,
        names,
        Plan(rounds=options.rounds or ROUNDS, budget_s=options.budget_s, seed=options.seed),
        options.progress,
        passed_on=[f"--{word}={value}" for word, value in load.items()],
    )


def _list() -> None:
    for benchmark in BENCHMARKS:
        click.echo(f"{benchmark.name:10} {benchmark.about}")


def _find(name: str) -> Benchmark:
    for benchmark in BENCHMARKS:
        if benchmark.name == name:
            return benchmark
    raise UsageError.at("bench", "NAME", name, "no such benchmark", valid=[each.name for each in BENCHMARKS])


if __name__ == "__main__":
    main()
