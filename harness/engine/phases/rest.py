"""Rest: checks that no connection, session or task is left over when the service gets no more requests."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from harness.engine.observing.service.footprint import (
    Footprint,
    MemoryWatch,
    bytes_per_request,
    footprint,
    surely_kept,
    with_children,
)
from harness.engine.observing.service.keepalive import keepalive
from harness.engine.observing.service.memory_search import first_deliveries, share_remembered
from harness.engine.observing.service.ports import ports
from harness.engine.observing.service.probes import Probed, probe
from harness.engine.observing.service.reconnects import reconnects
from harness.engine.rig import Rig
from harness.history.events import AtRest, Counted, RestUnknown, rest_name
from harness.polling import poll_async
from harness.protocols.contract.about import ABOUT
from harness.protocols.contract.probes import SessionCount
from harness.stack.http.client import UnansweredError
from harness.stack.service.service import ServiceProcess
from harness.target import Target
from harness.target.sections.residue import (
    CHILDREN,
    FILES,
    HALF_CLOSED,
    MEMORY,
    OF_PROCESS,
    REMEMBERED,
    THREADS,
    THREADS_AT_ONCE,
)
from harness.target.sections.series import parts_of

TASKS_SLACK = 2
CONNECTIONS, BUSY, AT_ONCE, OPEN = "connections", "busy connections", "connections at once", "open"
UNTOLD = "connections that the service does not report"
DESCRIPTORS = "open descriptors"
"""The kernel's count; `descriptors` is the service's own."""


@dataclass(frozen=True, slots=True)
class AtFirst:
    """What the service held before any fault, according to its own metrics and the kernel."""

    probed: Probed | None
    footprint: Footprint | None


async def held_at_first(target: Target, service: ServiceProcess) -> AtFirst:
    """Look at what the service holds now."""
    return AtFirst(await probe(target, service), await asyncio.to_thread(footprint, target, service))


async def overtold(rig: Rig) -> Sequence[str]:
    """Return, before any fault, how many more connections the service reports than their server has.

    Wait for them, up to the target's deadline for recovery: the service may also count those that it is opening.
    """
    found: Sequence[str] = ()

    async def all_are_there() -> bool:
        nonlocal found
        probed = await probe(rig.target, rig.site.service)
        found = [] if probed is None else list(overtold_connections(rig.target, await _counted(rig), probed))
        return not found

    if any(link.told_by for link in rig.target.description.links.values()):
        await poll_async(all_are_there, within_s=rig.recovery_s)
    return found


def overtold_connections(target: Target, counts: Sequence[tuple[str, SessionCount]], probed: Probed) -> Iterator[str]:
    """Report each link for which the service claims more connections than that."""
    for name, count in counts:
        series = target.description.links[name].told_by
        if all(probed.shows(*parts_of(each)) for each in series):  # `counts_are_true` reports a missing metric anyway
            told = _told(target, name, probed)
            if told > count.open:
                yield f"it reports {told:g} connections to {name}, whose server has {count.open}"


def rest_names(target: Target) -> tuple[str, ...]:
    """Return the names of everything that `record_rest` reads."""
    description = target.description
    own = {name: link for name, link in description.links.items() if link.shares is None}
    links = [name for name, link in own.items() if ABOUT.of(link.protocol).counts_sessions]
    servers = [rest_name(what, name) for name in links for what in (CONNECTIONS, BUSY)]
    untold = [rest_name(UNTOLD, name) for name in links if description.probes and description.links[name].told_by]
    residue = [rest_name(what, name) for name in own for what in _residue_limits(target, name)]
    told = (*untold, *_limited(target), *(what for what, _, _ in _watched(target)))
    return (*servers, *residue, *_process_limits(target), *told)


def _process_limits(target: Target) -> Mapping[str, int]:
    """How much more than before the scenario the service's process may hold at rest, by the kernel's count."""
    described = target.description
    limits = {DESCRIPTORS: described.limits.descriptors_growth}
    for what in (THREADS, CHILDREN, HALF_CLOSED, *([FILES] if described.service.folders else [])):
        limit = described.residue.get(what, OF_PROCESS[what])
        limits |= {} if limit is None else {what: limit}
    return limits


def _residue_limits(target: Target, link: str) -> Mapping[str, int]:
    """A count on a link at rest, and its limit."""
    described = target.description
    limits = {**ABOUT.of(described.links[link].protocol).residue}
    limits |= {name: limit for name, limit in described.residue.items() if name in limits}
    return {name: limit for name, limit in limits.items() if limit is not None}


async def record_rest(rig: Rig, before: AtFirst, memory: MemoryWatch | None = None) -> None:
    """Wait until nothing is left over, up to the target's deadline. Record what is left then.

    `memory`: how the service's memory has grown with its requests, if that was watched.
    """
    last: Sequence[AtRest | RestUnknown] = ()

    async def at_rest() -> bool:
        nonlocal last
        last = await rest_now(rig, before)
        return all(rest.seen <= rest.at_most for rest in last if isinstance(rest, AtRest))

    if not await poll_async(at_rest, within_s=rig.recovery_s):
        last = [_waited_for(rest, rig.recovery_s) for rest in last]
    of_the_run = (*_of_the_process(rig.target, memory, before.footprint), *_at_once(rig), *reconnects(rig))
    for rest in (*last, *of_the_run, *await _remembered(rig), *await ports(rig), *await keepalive(rig)):
        rig.recorder.record("runner", rest)


def _waited_for(rest: AtRest | RestUnknown, waited_s: float) -> AtRest | RestUnknown:
    if isinstance(rest, AtRest) and not rest.seen <= rest.at_most:
        return dataclasses.replace(rest, waited_s=waited_s)
    return rest


async def rest_now(rig: Rig, before: AtFirst) -> Sequence[AtRest | RestUnknown]:
    """Count everything that `record_rest` waits for."""
    after, connections = await probe(rig.target, rig.site.service), await _connections(rig)
    leaks = (*untold_connections(rig.target, connections, after), *_leaks(rig.target, before.probed, after))
    return [*connections, *await _residue(rig), *await _process(rig, before.footprint), *leaks]


async def earlier_now(rig: Rig, befores: Sequence[AtFirst]) -> Sequence[AtRest | RestUnknown]:
    """Count what can be judged of a start that is not the usual one. It may hold as much as any of `befores` did.

    The limits for connections, and the metrics that report them, are for the usual settings.
    """
    after = await probe(rig.target, rig.site.service)
    busy = [AtRest(BUSY, count.busy, 0, name) for name, count in await _counted(rig)]
    leaks = [list(_leaks(rig.target, before.probed, after)) for before in befores]
    held = [await _process(rig, before.footprint) for before in befores]
    return [*busy, *await _residue(rig), *_at_most_of_all(leaks), *_at_most_of_all(held)]


def _at_most_of_all(readings: Sequence[Sequence[AtRest]]) -> Iterator[AtRest]:
    """The same numbers with several limits: the highest limit of each counts."""
    limits: dict[str, float] = {}
    for rest in chain.from_iterable(readings):
        limits[rest.name] = max(rest.at_most, limits.get(rest.name, rest.at_most))
    last = {rest.name: rest for rest in chain.from_iterable(readings)}
    return (dataclasses.replace(rest, at_most=limits[name]) for name, rest in last.items())


async def _process(rig: Rig, before: Footprint | None) -> Sequence[AtRest]:
    now = await asyncio.to_thread(footprint, rig.target, rig.site.service)
    if before is None or now is None:
        return ()  # it does not run: another check reports that
    first = {
        DESCRIPTORS: before.descriptors, THREADS: before.threads, CHILDREN: before.children, FILES: before.files,
        HALF_CLOSED: 0,
    }  # fmt: skip
    seen = {
        DESCRIPTORS: now.descriptors, THREADS: now.threads, CHILDREN: now.children, FILES: now.files,
        HALF_CLOSED: now.half_closed,
    }  # fmt: skip
    return [AtRest(what, seen[what], first[what] + more) for what, more in _process_limits(rig.target).items()]


async def _remembered(rig: Rig) -> Sequence[AtRest]:
    """How many in a hundred of its first deliveries the process still has in its memory."""
    limit = rig.target.description.residue.get(REMEMBERED)
    ids = () if limit is None else first_deliveries(rig.recorder.history)
    if limit is None or not ids:
        return ()
    share = await asyncio.to_thread(share_remembered, with_children(rig.site.service.pids()), ids)
    return [AtRest(REMEMBERED, round(share, 1), limit)]


def _of_the_process(target: Target, memory: MemoryWatch | None, first: Footprint | None) -> Iterator[AtRest]:
    more = target.description.residue.get(THREADS_AT_ONCE)
    if more is not None and memory is not None and first is not None:
        yield AtRest(THREADS_AT_ONCE, memory.threads, first.threads + more)
    limit = target.description.residue.get(MEMORY)
    samples = [] if memory is None else memory.samples
    kept = bytes_per_request(samples)
    kept = surely_kept(samples) if kept is None else kept
    if limit is not None and kept is not None:
        yield AtRest(MEMORY, round(kept, 1), limit)


async def held_now(rig: Rig) -> Mapping[str, float]:
    """Count what the service holds for its requests, by name: busy connections, and what it has checked out."""
    return {rest.name: rest.seen for rest in await _held(rig, {})}


async def record_given_back(rig: Rig, before: Mapping[str, float]) -> None:
    """Wait until the service holds no more than `before`, up to the target's deadline. Record what it holds then."""
    last: Sequence[AtRest] = ()

    async def given_back() -> bool:
        nonlocal last
        last = await _held(rig, before)
        return all(rest.seen <= rest.at_most for rest in last)

    await poll_async(given_back, within_s=rig.recovery_s)
    for rest in last:
        rig.recorder.record("runner", rest)


async def _held(rig: Rig, at_most: Mapping[str, float]) -> Sequence[AtRest]:
    busy = [AtRest(BUSY, count.busy, 0, name) for name, count in await _counted(rig)]
    return [dataclasses.replace(rest, at_most=at_most.get(rest.name, 0)) for rest in (*busy, *await checked_out(rig))]


async def checked_out(rig: Rig) -> Sequence[AtRest]:
    """The number that the service's metrics report as checked out; none if they do not.

    Read by the clients' own HTTP.
    """
    probes = rig.target.description.probes
    if probes is None or probes.checked_out is None:
        return ()
    port, within_s = rig.site.service.port, rig.clients.patience_s
    try:
        answer = await rig.clients.http.get(port, probes.metrics, within_s=within_s)
    except (UnansweredError, TimeoutError):
        return ()  # it has ended, or hangs: another check reports that
    if not answer.is_success:
        return ()  # it says nothing now: `[probes] always_shown` is about that
    return [AtRest("checked_out", Probed(answer.text).get(probes.checked_out), 0)]


async def wait_until_idle(rig: Rig) -> None:
    """Wait until the service has no open statement, up to the target's deadline."""

    async def idle() -> bool:
        return not any(count.busy for _, count in await _counted(rig))

    await poll_async(idle, within_s=rig.recovery_s)


async def _counted(rig: Rig) -> Sequence[tuple[str, SessionCount]]:
    """Count the service's sessions on each link whose server reports them."""
    own = rig.site.own_links
    counts = [(laid.link.name, await rig.sessions.of(laid.link).sessions()) for laid in own]
    return [(name, count) for name, count in counts if count is not None]


async def _connections(rig: Rig) -> list[AtRest]:
    limit = rig.target.description.limits.connections
    found: list[AtRest] = []
    for name, count in await _counted(rig):
        found += [AtRest(CONNECTIONS, count.open, limit, name), AtRest(BUSY, count.busy, 0, name)]
    return found


async def _residue(rig: Rig) -> list[AtRest | RestUnknown]:
    found: list[AtRest | RestUnknown] = []
    for laid in rig.site.own_links:
        name = laid.link.name
        limits = _residue_limits(rig.target, name)
        probe = rig.sessions.of(laid.link)
        try:
            seen = await probe.residue() if limits else {}
        except probe.errors as problem:
            if not any(change.fault.lasting for change in rig.site.server_changes if change.server == laid.server):
                raise
            found += [RestUnknown(what, name, repr(problem)) for what in limits]
        else:
            found += [AtRest(what, seen[what], limit, name) for what, limit in limits.items()]
    return found


def _watched(target: Target) -> Iterator[tuple[str, str, float | None]]:
    """Yield each metric to read: what it counts, its name, and how far it may have grown. None: it must be 0."""
    probes = target.description.probes
    if probes is None:
        return
    growth = target.description.limits.descriptors_growth
    slack = {"checked_out": None, "tasks": TASKS_SLACK, "descriptors": growth}
    for what, room in slack.items():
        metric = getattr(probes, what)
        if metric:
            yield what, metric, room


def _limited(target: Target) -> Mapping[str, float]:
    """The service's metrics that have a limit at rest."""
    probes = target.description.probes
    return {} if probes is None else probes.at_rest


def _at_once(rig: Rig) -> Iterator[AtRest]:
    """The most connections that were seen at once on each link."""
    seen: dict[str, float] = {}
    for counted in rig.recorder.history.of(Counted):
        if counted.of in rig.site.links and counted.what == OPEN and counted.seen is not None:
            seen[counted.of] = max(counted.seen, seen.get(counted.of, 0))
    for link, most in seen.items():
        limit = rig.target.description.links[link].connections_at_once
        if limit is not None:
            yield AtRest(AT_ONCE, most, limit, link)


def untold_connections(target: Target, connections: Sequence[AtRest], after: Probed | None) -> Iterator[AtRest]:
    """How many connections the service does not report, although it reports others."""
    for rest in connections:
        told_by = target.description.links[rest.link].told_by
        if told_by and after is not None and rest.what == CONNECTIONS:
            yield AtRest(UNTOLD, max(0, rest.seen - _told(target, rest.link, after)), 0, rest.link)


def _told(target: Target, link: str, probed: Probed) -> float:
    """How many connections on the link the service reports."""
    return sum(probed.get(*parts_of(each)) for each in target.description.links[link].told_by)


def _leaks(target: Target, before: Probed | None, after: Probed | None) -> Iterator[AtRest]:
    if before is None or after is None:
        return
    probes = target.description.probes
    # If they are missing, the service has failed, and `counts_are_true` reports it.
    gone = [name for name in (() if probes is None else probes.shows) if not after.shows(name, {})]
    for metric, most in _limited(target).items():
        if metric not in gone:
            yield AtRest(metric, after.get(metric), most)
    for what, metric, room in _watched(target):
        if metric not in gone:
            yield AtRest(what, after.get(metric), 0 if room is None else before.get(metric) + room)
