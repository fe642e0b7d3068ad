"""Finds out what a service that does not answer is waiting for."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.observing.servers.sessions import Sessions
from harness.faults.site import Site
from harness.stack.tcp.sockets import TcpConnection, TcpState
from harness.vocabulary import Link


async def waiting_for(site: Site, sessions: Sessions) -> tuple[str, ...]:
    """Names of the links on which the service has sent something and got no answer."""
    found = await site.connections_by_link()
    return tuple([name for name, laid in site.links.items() if await _waits(site, sessions, laid.link, found[name])])


async def _waits(site: Site, sessions: Sessions, link: Link, found: Sequence[TcpConnection]) -> bool:
    if any(each.awaiting_answer or each.state is TcpState.SYN_SENT for each in found):
        return True
    # Question and last answer may lie in one tick of the kernel's clock: then the server is asked.
    return bool(found) and site.laid(link).shares is None and await _busy(sessions, link)


async def _busy(sessions: Sessions, link: Link) -> bool:
    probe = sessions.of(link)
    try:
        count = await probe.sessions()
    except probe.errors:
        return True  # it does not answer the harness either
    return count is not None and count.busy > 0
