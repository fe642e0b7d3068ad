"""The benchmark `start`: the service, what it imports, the keeper and the servers."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from bench.arms import Arm, Rounds, Sample, interleaved
from bench.imports import by_package, own_times
from bench.options import Found, Options
from bench.report import Line, Table, comparison, ladder
from bench.services import TARGET, Wanted, Workshop, measuring
from bench.statistics import median_interval, ratios, scatter
from harness.engine.laying.testbed import passed_on
from harness.processes.keeper import Keeper, ProcessSpec
from harness.protocols.postgres.server import PostgresServer
from harness.protocols.redis.server import RedisServer
from harness.stack import (
    Launch,
    Stack,
    StackConfiguration,
    ToxiproxyServer,
    private_folder,
)
from harness.stack.toxiproxy.build import toxiproxy_server_path
from harness.target import load_target

IMPORTS = "import webhook.command, webhook.service"
# Not the interpreter's own end, which visits every object once more: a service that listens has not paid for it.
AND_NO_MORE = "; import os; os._exit(0)"
DEAREST = 5
IMPORT_RUNS = 5
ENDS_WITHIN_S = 30.0
NOTES = (
    "spawn to listening: from the request to the keeper until the service's line in its log, looked for every 2 ms.",
    "imports: each module's own time, added up by top-level package; -X importtime itself makes them dearer.",
    "imports and end: the interpreter's own end included, as after SIGTERM.",
    "PostgreSQL's start includes initdb. The stack starts all three at once.",
)


def start(options: Options) -> Found:
    """Measure starts: service (hardened, unprotected, bare), its imports, keeper, each server, the whole stack."""
    with measuring(options.progress) as workshop:
        services, arms = _services(workshop, options)
        imports = _imports(workshop)
    servers = _servers(options)
    took = comparison("Service, spawn to listening", "ms", "ms", rounds=services, arms=arms)
    steps = [
        ("the interpreter", None, "python -c pass"),
        ("its imports", "python -c pass", "its imports alone"),
        ("settings, engine, listening", "its imports alone", "hardened"),
    ]
    where = ladder("Where the service's start goes", "ms", "ms", rounds=services, steps=steps)
    return Found((took, where, imports, servers), NOTES)


def _services(workshop: Workshop, options: Options) -> tuple[Rounds, Sequence[Arm]]:
    wanted = (
        Wanted(name="hardened"),
        Wanted(name="hardened, again", control=True),
        Wanted(name="unprotected", profile="unprotected"),
        Wanted(name="bare", bare="BARE"),
    )
    arms = [
        Arm(each.name, partial(_listening_ms, workshop, workshop.lay(each)), control=each.control) for each in wanted
    ]
    arms += [
        Arm("its imports alone", partial(_ended_ms, workshop, ("-c", IMPORTS + AND_NO_MORE))),
        Arm("imports and end", partial(_ended_ms, workshop, ("-c", IMPORTS))),
        Arm("python -c pass", partial(_ended_ms, workshop, ("-c", "pass"))),
    ]
    return interleaved(arms, options.plan(rounds=12, share=0.5), options.progress), arms


def _listening_ms(workshop: Workshop, spec: ProcessSpec) -> Sample:
    spec.log.write_bytes(b"")
    began = time.perf_counter()
    process, _ = workshop.spawn(spec)
    took_ms = (time.perf_counter() - began) * 1e3
    process.stop()
    return {"ms": took_ms}


def _ended_ms(workshop: Workshop, arguments: Sequence[str]) -> Sample:
    began = time.perf_counter()
    _run_python(workshop, arguments)
    return {"ms": (time.perf_counter() - began) * 1e3}


def _run_python(workshop: Workshop, arguments: Sequence[str]) -> str:
    """Run the interpreter like the service's process; return its output."""
    spec = ProcessSpec(
        name="python",
        argv=(sys.executable, *arguments),
        env=passed_on(),
        cwd=workshop.target.directory,
        log=workshop.new_log(),
    )
    process = workshop.bed.stack.keeper.spawn(spec)
    status = process.wait(ENDS_WITHIN_S)
    text = process.log.read()
    assert status == 0, text
    return text


def _imports(workshop: Workshop) -> Table:
    runs = [own_times(_run_python(workshop, ("-X", "importtime", "-c", IMPORTS))) for _ in range(IMPORT_RUNS)]
    grouped = [by_package(run) for run in runs]
    packages = sorted(grouped[0], key=lambda name: -statistics.median(run.get(name, 0.0) for run in grouped))
    whole = [sum(run.values()) for run in grouped]
    named = {name: [run.get(name, 0.0) for run in grouped] for name in packages[:DEAREST]}
    rest = {"all others": [total - sum(each[i] for each in named.values()) for i, total in enumerate(whole)]}
    lines = [
        Line(
            name=name,
            ratio=median_interval(ratios(values, whole)),
            median=statistics.median(values),
            scatter=scatter(values),
        )
        for name, values in {**named, **rest, "all": whole}.items()
    ]
    return Table(
        title="The five dearest imports", relation="share of all", unit="ms", rounds=IMPORT_RUNS, lines=tuple(lines)
    )


def _servers(options: Options) -> Table:
    toxiproxy = toxiproxy_server_path(progress=options.progress)
    configuration = StackConfiguration(toxiproxy=str(toxiproxy))

    def stack(keeper: Keeper, folder: Path) -> Stack:
        return Stack.start(load_target(TARGET).servers, configuration, folder, keeper=keeper)

    arms = [
        Arm("stack: all three", partial(_up_ms, stack)),
        Arm("stack, again", partial(_up_ms, stack), control=True),
        Arm("PostgreSQL alone", partial(_up_ms, lambda keeper, folder: PostgresServer.start(Launch(keeper, folder)))),
        Arm("Redis alone", partial(_up_ms, lambda keeper, folder: RedisServer.start(Launch(keeper, folder)))),
        Arm(
            "Toxiproxy alone",
            partial(_up_ms, lambda keeper, folder: ToxiproxyServer.start(Launch(keeper, folder), toxiproxy)),
        ),
        Arm("keeper", _keeper_ms),
    ]
    rounds = interleaved(arms, options.plan(rounds=8), options.progress)
    return comparison("Keeper and servers, until each answers", "ms", "ms", rounds=rounds, arms=arms)


Starts = Callable[[Keeper, Path], AbstractContextManager[object]]


def _up_ms(starts: Starts) -> Sample:
    """Measure how long a server takes to start under a keeper that already runs."""
    with ExitStack() as owned:
        folder = owned.enter_context(private_folder())
        keeper = owned.enter_context(Keeper.start())
        began = time.perf_counter()
        owned.enter_context(starts(keeper, folder))
        return {"ms": (time.perf_counter() - began) * 1e3}


def _keeper_ms() -> Sample:
    began = time.perf_counter()
    with Keeper.start():
        return {"ms": (time.perf_counter() - began) * 1e3}
