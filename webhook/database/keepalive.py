"""TCP keepalive notices a dead line: it probes an idle connection, and gives it up, before it is used.

Without it, an idle connection that a firewall or a server has forgotten looks healthy until a request has waited for it
in vain.
"""

import socket
from collections.abc import Mapping
from typing import Any

from webhook.configuration.settings import Settings


def _options(settings: Settings) -> Mapping[int, int]:
    """The options of IPPROTO_TCP, by their Linux names (tcp(7)). On other systems only those that exist there."""
    wanted = {
        "TCP_KEEPIDLE": settings.keepalive_idle_s,
        "TCP_KEEPINTVL": settings.keepalive_interval_s,
        # What was sent and is not acknowledged counts, too, and instead of a number of tries this time does.
        "TCP_USER_TIMEOUT": settings.keepalive_dead_s * 1000,
    }
    return {getattr(socket, name): value for name, value in wanted.items() if hasattr(socket, name)}


def kept_alive(base: type[Any], settings: Settings) -> type[Any]:
    """Return a subclass of asyncpg's connection class with these options."""
    options = _options(settings)

    class KeptAliveConnection(base):  # type: ignore[misc]  # asyncpg has no types
        """A connection whose socket has the options; one over a Unix socket needs none."""

        def __init__(self, protocol: Any, transport: Any, *rest: Any, **more: Any) -> None:
            super().__init__(protocol, transport, *rest, **more)
            end = transport.get_extra_info("socket")
            if end.family in (socket.AF_INET, socket.AF_INET6):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for option, value in options.items():
                    end.setsockopt(socket.IPPROTO_TCP, option, value)

    return KeptAliveConnection
