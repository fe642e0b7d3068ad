"""Starts the service once, sends each request once and runs each SQL once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import uvloop

from harness.engine.configuration import RunConfiguration
from harness.engine.laying.building import built_rig
from harness.engine.laying.preparing import PrepareError
from harness.engine.laying.testbed import TemplateError, Testbed, open_testbed
from harness.engine.observing.service.probes import probe
from harness.engine.performer import Performer
from harness.engine.rig import Rig
from harness.errors import HarnessError, UsageError
from harness.history import Recorder
from harness.history.events import ServiceEnded
from harness.inspection.found import Found, excerpt, place_of
from harness.inspection.rows import rows_found, unreadable
from harness.inspection.sending import contract_kept, delivered
from harness.inspection.starting import started, unprepared
from harness.results import RunKey
from harness.stack import StackConfiguration
from harness.stack.folders import private_folder
from harness.stack.tcp.sockets import process_tree
from harness.target import Target

ID = "check"


def inspect(target: Target, configuration: StackConfiguration, tell: Callable[[Found], None]) -> Sequence[Found]:
    """Try everything, in the order in which one thing needs another. Return what was found; `tell` gets it at once.

    A step that needs something wrong is not tried. Raises HarnessError if a server does not start.
    """
    found: list[Found] = []

    def add(each: Found) -> None:
        found.append(each)
        tell(each)

    with private_folder() as folder:
        try:
            with open_testbed(target, configuration, logs=folder / "logs") as bed:
                if target.description.service.prepare:
                    add(Found(what="[service] prepare", saw="ended with status 0"))
                inspect_on(bed, folder, add)
        except TemplateError as problem:
            add(Found(what="[service] prepare", problem=unprepared(target, problem)))
    return found


def inspect_on(bed: Testbed, folder: Path, tell: Callable[[Found], None]) -> None:
    """Try all but `prepare`, on servers that run. `folder`: for the service's log."""

    async def try_all() -> None:
        async for each in _tried(bed, folder):
            tell(each)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(try_all())


async def _tried(bed: Testbed, folder: Path) -> AsyncIterator[Found]:
    target = bed.target
    key = RunKey(ID, target.description.default_profile, ())
    configuration = RunConfiguration(profile=key.profile, folder=folder)
    async with AsyncExitStack() as owned:
        relay = await owned.enter_async_context(bed.stack.relay.control())
        built = built_rig(
            bed, relay, key, configuration, Recorder(), number=next(bed.numbers), service_ended=_noted
        )  # fmt: skip
        try:
            rig = await owned.enter_async_context(built)
        except PrepareError as problem:
            yield Found(what="[service] prepare", problem=problem)
            return
        problem_of_start = await started(rig)
        saw = "" if problem_of_start else f"listens on port {rig.site.service.port}, and is alive"
        yield Found(what="[service] command", saw=saw, problem=problem_of_start)
        if problem_of_start is not None:
            return
        async for each in _served(rig, Performer(rig, lacking=bed.lacking)):
            yield each


async def _served(rig: Rig, performer: Performer) -> AsyncIterator[Found]:
    sent = await delivered(rig)
    yield sent.found
    where = rig.target.description.stored.link
    if sent.found.problem is None:
        yield _log(rig)  # before the other requests: what they make the service log may be right
    elif sent.taken and where in rig.site.links and (unready := await unreadable(rig)) is not None:
        yield Found(what="[stored]", problem=unready)  # a table is missing, say, and the service swallows the error
    stored_elsewhere = where in rig.site.links and (await _link(rig, where)).problem is not None
    if sent.found.problem is None and not stored_elsewhere:
        async for each in rows_found(rig, sent.delivery):
            yield each
        async for each in contract_kept(rig, performer, sent.delivery):
            yield each
    used = [laid.link.name for laid in rig.site.own_links]  # a replica is one that a scenario may have it read
    for name in used if sent.taken else ():  # last: a read may use a link that a delivery does not need
        link, others = await _link(rig, name), await asyncio.to_thread(_elsewhere, rig)
        # A failed delivery may have used no link at all. Then only a connection past the links is a separate mistake.
        if link.problem is None or sent.found.problem is None or others:
            yield link
    for each in await _metrics(rig):
        yield each


async def _link(rig: Rig, name: str) -> Found:
    """Say whether the service has used this link."""
    laid, what = rig.site.links[name], f"[links.{name}]"
    if await rig.site.connections(laid.link) or await rig.site.relay.seen(laid.hop):
        return Found(what=what, saw=f"the service connects to 127.0.0.1:{laid.port}")
    others = await asyncio.to_thread(_elsewhere, rig)
    told = f"it connects to {', '.join(others)}" if others else "it has no other connection, either"
    settings = [key for key, text in rig.target.description.service.environment.items() if f"{{{name}." in text]
    given = f"{' and '.join(settings)} says where" if settings else "no line of [service.environment] says where"
    problem = f"nothing of the service's has come through it; {told}"
    mend = f"have the service connect to {{{name}.url}} ({given}), or take the link out if it never uses it"
    wrong = UsageError.at(place_of(rig.target, f"links.{name}"), "link", name, problem, mend=mend)
    return Found(what=what, problem=wrong)


def _elsewhere(rig: Rig) -> Sequence[str]:
    """Other addresses to which the service's processes are connected, as the kernel reports it."""
    ours = {rig.site.service.port, *(laid.port for laid in rig.site.links.values())}
    found: set[str] = set()
    for pid in process_tree(rig.site.service.pids()):
        try:
            found |= {
                f"{each.raddr.ip}:{each.raddr.port}"
                for each in psutil.Process(pid).net_connections()
                if each.status == psutil.CONN_ESTABLISHED and not {each.raddr.port, each.laddr.port} & ours
            }
        except psutil.Error:
            continue  # the process has ended: its connections are not known any more
    return sorted(found)


async def _metrics(rig: Rig) -> Sequence[Found]:
    """Read each metric that `[probes]` names."""
    probes = rig.target.description.probes
    if probes is None:
        return ()
    try:
        probed = await probe(rig.target, rig.site.service)
    except HarnessError as problem:
        return [Found(what="[probes]", problem=problem)]
    if probed is None:
        return ()
    single = [name for name in (probes.checked_out, probes.tasks, probes.descriptors) if name is not None]
    names = (*single, *probes.pool.values(), *probes.at_ease, *probes.at_rest)
    wrong = []
    for name in dict.fromkeys(names):
        try:
            probed.get(name)
        except HarnessError as problem:
            wrong.append(Found(what="[probes]", problem=problem))
    return wrong or [Found(what="[probes]", saw=f"{len(names)} metrics at {probes.metrics}")]


def _log(rig: Rig) -> Found:
    """Whether the expression for unhandled errors finds one, although nothing was broken."""
    expression = rig.target.description.service.unhandled
    lines = rig.site.service.log.read().splitlines()
    line = next((line for line in lines if re.search(expression, line)), None)
    if line is None:
        return Found(what="[service] unhandled", saw=f"{len(lines)} lines of its log, and none fits")
    problem = f"it finds a line although nothing was broken: {excerpt(line)}"
    mend = "mend what the service logs there, or narrow the expression"
    wrong = UsageError.at(place_of(rig.target, "service"), "unhandled", expression, problem, mend=mend)
    return Found(what="[service] unhandled", problem=wrong)


def _noted(ended: ServiceEnded) -> None:
    """Its end is not a finding here: later steps report that they got no answer."""
    del ended
