"""Where the service listens and how many clients can wait there, as the kernel reports it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.engine.rig import Rig
from harness.history.events import AtRest
from harness.stack.tcp.sockets import TcpListener, listening
from harness.target.sections.residue import OPEN_TO_OTHERS

NO_ROOM: Final = "connections without room to wait"
SOMAXCONN: Final = Path("/proc/sys/net/core/somaxconn")
"""The kernel's upper limit for any program's backlog."""


async def ports(rig: Rig) -> Sequence[AtRest]:
    """Read the two numbers that the target limits.

    Ports that other machines can reach, and room for waiting connections.
    """
    limits, residue = rig.target.description.limits, rig.target.description.residue
    if limits.backlog is None and OPEN_TO_OTHERS not in residue:
        return ()
    found = await asyncio.to_thread(listening, 0, pids=rig.site.service.pids())
    own = [each for each in found if each.local.port == rig.site.service.port]
    return [*_open_to_others(found, residue.get(OPEN_TO_OTHERS)), *_without_room(own, limits.backlog)]


def _open_to_others(found: Sequence[TcpListener], limit: int | None) -> Iterator[AtRest]:
    if limit is not None:
        yield AtRest(OPEN_TO_OTHERS, sum(not each.local.is_loopback for each in found), limit)


def _without_room(own: Sequence[TcpListener], wanted: int | None) -> Iterator[AtRest]:
    if wanted is not None and own:
        most = min(wanted, int(SOMAXCONN.read_text()))
        yield AtRest(NO_ROOM, max(0, most - min(each.backlog for each in own)), 0)


__all__ = ["NO_ROOM", "SOMAXCONN", "ports"]
