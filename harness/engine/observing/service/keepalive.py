"""Counts the service's idle connections without TCP keepalive, as the kernel reports its timers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from harness.engine.rig import Rig
from harness.history.events import AtRest
from harness.stack.tcp.sockets import without_keepalive

NOT_PROBED: Final = "connections without keepalive"


async def keepalive(rig: Rig) -> Sequence[AtRest]:
    """Count them on each link whose connections must have it, in a run with every protection on."""
    ports = {name: rig.site.links[name].port for name, link in rig.target.description.links.items() if link.keepalive}
    if not ports or not rig.is_usual:
        return ()
    seen = await asyncio.to_thread(without_keepalive, [*ports.values()])
    return [AtRest(NOT_PROBED, seen[port], 0, name) for name, port in ports.items()]


__all__ = ["NOT_PROBED", "keepalive"]
