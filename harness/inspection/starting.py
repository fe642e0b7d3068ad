"""Starts the service, and says what is wrong with `[service]` if it does not come up."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence

from harness.engine.laying.testbed import TemplateError
from harness.engine.rig import Rig
from harness.engine.tasks import owned
from harness.errors import HarnessError, UsageError
from harness.inspection.found import beginnings, last_line, place_of
from harness.polling import poll_async
from harness.stack.http.client import HttpClient, UnansweredError
from harness.stack.service.start import ServiceStartError
from harness.stack.tcp.sockets import listening, process_tree
from harness.target import Target

SILENT_S = 2.0
"""A service that has listened for this long without saying where will not say it."""
LOOK_EVERY_S = 0.1
ANSWERED_WITHIN_S = 2.0
PATHS = ("/alive", "/health", "/healthz", "/livez", "/healthcheck", "/ping", "/status", "/ready", "/readyz", "/")
"""The usual paths at which services say that they are alive."""
MISSING = re.compile(r"No module named '?([\w.]+)")


async def started(rig: Rig) -> HarnessError | None:
    """Start the service; return what is wrong with its description if it does not come up."""
    starting, stuck = asyncio.create_task(rig.start()), asyncio.create_task(_stuck(rig))
    async with owned([starting, stuck]):
        await asyncio.wait([starting, stuck], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done() and stuck.result():
            return await _why(rig)
        try:
            await starting
        except ServiceStartError:
            return await _why(rig)
    return None


def unprepared(target: Target, problem: TemplateError) -> HarnessError:
    """Why `prepare` failed: its last line, or its time limit."""
    service = target.description.service
    if problem.status is None:
        words, told = " ".join(service.prepare), f"{service.still_prepares}: {last_line(problem.said)}"
        return UsageError.at(place_of(target, "service"), "prepare", words, told, mend=service.more_time)
    return _ended(target, "prepare", service.prepare, problem.status, problem.said)


async def _why(rig: Rig) -> HarnessError:
    service, described = rig.site.service, rig.target.description.service
    status = service.process.poll()
    if status is not None:
        return _ended(rig.target, "command", described.command, status, service.log.read())
    if described.listening is not None and re.search(described.listening, service.log.read()) is None:
        return _unsaid(rig)
    return await _not_alive(rig)


def _ended(target: Target, key: str, command: Sequence[str], status: int, said: str) -> UsageError:
    words = " ".join(command)
    missing = MISSING.search(said)
    mend = f"run it by hand in {target.directory}; what it wrote before: {beginnings(said, 3)}"
    if missing is not None:
        python = sys.executable if command[0] == "{python}" else f"the Python of {command[0]!r}"
        mend = f"install {missing[1].partition('.')[0]} for {python}, or name the Python that has it instead"
    return UsageError.at(
        place_of(target, "service"), key, words, f"ended with status {status}: {last_line(said)}", mend=mend
    )


def _ports(rig: Rig) -> list[int]:
    """Where its processes listen, according to the kernel."""
    pids = process_tree(rig.site.service.pids())
    return sorted({each.local.port for each in listening(0, pids=pids)})


async def _stuck(rig: Rig) -> bool:
    """Whether it has listened for a while without saying where, or without knowing the path that it should."""
    seen = 0

    async def long_enough() -> bool:
        nonlocal seen
        seen = seen + 1 if rig.site.service.running and await _lacks(rig) else 0
        return seen * LOOK_EVERY_S >= SILENT_S

    within_s = rig.target.description.service.start_within_s
    return bool(await poll_async(long_enough, within_s=within_s, interval_s=LOOK_EVERY_S))


async def _lacks(rig: Rig) -> bool:
    """Whether it serves, but not where the description says."""
    service, described = rig.site.service, rig.target.description.service
    said = described.listening is None or re.search(described.listening, service.log.read()) is not None
    if not said:
        return bool(await asyncio.to_thread(_ports, rig))
    return bool(service.port) and (await _status(service.port, described.alive)).startswith("4")


def _unsaid(rig: Rig) -> UsageError:
    """No line says where it listens: name what it printed, and where the kernel sees it."""
    pattern, said = rig.target.description.service.listening or "", rig.site.service.log.read()
    ports = _ports(rig)
    by_kernel = f"by the kernel it listens on {', '.join(map(str, ports))}" if ports else "and it listens nowhere yet"
    mend = "leave listening out, and write {service.port} where the service reads its port"
    line = next((line for line in said.splitlines() for port in ports if str(port) in line), None)
    if line is not None:
        port = next(str(port) for port in ports if str(port) in line)
        head, _, _ = line.partition(port)
        mend = f"write listening = {re.escape(head)[-60:] + r'(?P<port>' + chr(92) + 'd+)'!r}"
    problem = f"no line that it printed fits; it printed: {beginnings(said)}; {by_kernel}"
    return UsageError.at(place_of(rig.target, "service"), "listening", pattern, problem, mend=mend)


async def _not_alive(rig: Rig) -> UsageError:
    """It runs, but does not say that it is alive: try the usual paths."""
    service, path = rig.site.service, rig.target.description.service.alive
    port = service.port or next(iter(_ports(rig)), 0)
    told = await _status(port, path)
    well = [each for each in PATHS if (await _status(port, each)).startswith("2")]
    problem = f"port {port} gave: {told}; its log ends with: {last_line(service.log.read())}"
    mend = "" if well else "name a path that it answers with 2xx as soon as it serves"
    return UsageError.at(place_of(rig.target, "service"), "alive", path, problem, valid=well, mend=mend)


async def _status(port: int, path: str) -> str:
    """The status of an answer as text, or why there is none."""
    async with HttpClient(keep_alive=False) as client:
        try:
            return str((await client.get(port, path, within_s=ANSWERED_WITHIN_S)).status)
        except (UnansweredError, TimeoutError) as problem:
            return repr(problem)
