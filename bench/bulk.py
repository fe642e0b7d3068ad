"""The benchmark `bulk`: large payloads through the relay and through Toxiproxy, and the memory that they need."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from bench.arms import Arm, Rounds, Sample, interleaved
from bench.bulk_clients import RedisLine, Session
from bench.memory import peak_mib, resident_mib
from bench.options import Found, Options
from bench.report import Table, comparison
from bench.ways import DIRECT, RELAY, RELAY_AGAIN, TOXIPROXY, Crossing, crossing
from harness.errors import HarnessError

KIB, MIB = 1 << 10, 1 << 20
NAMES = (RELAY, RELAY_AGAIN, DIRECT, TOXIPROXY)
SIZES: Mapping[str, int] = {"64 KiB": 64 * KIB, "1 MiB": MIB, "8 MiB": 8 * MIB}
KINDS = ("PostgreSQL, sent", "PostgreSQL, answered", "Redis, sent", "Redis, answered")
MOVED = 16 * MIB
"""A sample's bytes of each size, one payload after the other."""
FLOOD_SIZE = 8 * MIB
FLOOD = 128
"""How many of them make 1 GiB."""
NOTES = (
    f"MiB/s of {MOVED // MIB} MiB a sample, a payload at a time, client and server included; more is better.",
    "sent: a bytea parameter, SET. answered: a bytea column, GET. Redis is spoken to through a bare socket.",
)


def bulk(options: Options) -> Found:
    """Move payloads of 64 KiB to 8 MiB both ways, then 1 GiB while watching memory."""
    with crossing(options.progress) as place, ExitStack() as owned:
        sizes = list(SIZES.values())
        sessions = {name: Session(place, at, sizes, owned) for name, at in place.ways("postgres", NAMES).items()}
        lines = {name: owned.enter_context(RedisLine(at)) for name, at in place.ways("redis", NAMES).items()}
        arms = [Arm(name, partial(_moved, sessions[name], lines[name]), control=name == RELAY_AGAIN) for name in NAMES]
        rounds = interleaved(arms, options.plan(rounds=30, share=0.75), options.progress)
        memory = [*_memory(place, sessions, lines)]
    return Found(tuple(_by_size(kind, rounds, arms) for kind in KINDS), (*NOTES, *memory))


def _by_size(kind: str, rounds: Rounds, arms: Sequence[Arm]) -> Table:
    """One table of one kind, for all sizes."""
    tables = {size: comparison(kind, f"{kind}, {size}", "MiB/s", rounds=rounds, arms=arms) for size in SIZES}
    lines = [
        dataclasses.replace(line, name=f"{size}: {line.name}") for size, table in tables.items() for line in table.lines
    ]
    return dataclasses.replace(next(iter(tables.values())), lines=tuple(lines))


def _moved(session: Session, line: RedisLine) -> Sample:
    sample: dict[str, float] = {}
    for name, size in SIZES.items():
        payload, times = bytes(size), MOVED // size
        moves = (
            partial(session.send, payload, times),
            partial(session.receive, size, times),
            partial(line.set, payload, times),
            partial(line.get, size, times),
        )
        sample |= {f"{kind}, {name}": _speed(move) for kind, move in zip(KINDS, moves, strict=True)}
    return sample


def _speed(move: Callable[[], None]) -> float:
    began = time.perf_counter()
    move()
    return MOVED / MIB / (time.perf_counter() - began)


def _memory(place: Crossing, sessions: Mapping[str, Session], lines: Mapping[str, RedisLine]) -> Iterator[str]:
    """Report how 1 GiB changes the memory of the relay and of Toxiproxy. Each has moved as much before."""
    pids = {RELAY: place.stack.relay.process.pid, TOXIPROXY: _pid_of_toxiproxy(place)}
    payload = bytes(FLOOD_SIZE)
    for name, pid in pids.items():
        floods = {
            "sent to Redis": partial(lines[name].set, payload, FLOOD),
            "asked of Redis at once, then read": partial(lines[name].get_at_once, FLOOD_SIZE, FLOOD),
            "sent to PostgreSQL": partial(sessions[name].send, payload, FLOOD),
        }
        for what, flood in floods.items():
            before = resident_mib(pid)
            flood()
            now, peak = resident_mib(pid), peak_mib(pid)
            yield f"{name}: 1 GiB {what}: {before:.1f} MiB before, {now:.1f} after, {peak:.1f} at most since its start."


def _pid_of_toxiproxy(place: Crossing) -> int:
    if place.stack.toxiproxy.process is None:
        raise HarnessError("the benchmarks start a Toxiproxy of their own")
    return place.stack.toxiproxy.process.pid
