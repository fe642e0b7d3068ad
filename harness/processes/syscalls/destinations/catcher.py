"""Which port stands for which server, for a `CatchRule`. This state outlives a change of the rules."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass, field

from harness.processes.syscalls.calls import Call
from harness.processes.syscalls.destinations.leading import is_here, is_in_our_network, is_listened_at, reached_by
from harness.processes.syscalls.event import NotLed
from harness.processes.syscalls.rules import CatchRule, ConnectRule, FailRule, LeadRule

Server = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """What happens to a call: its rule, if any; otherwise, under a `CatchRule`, why it is not redirected."""

    rule: FailRule | LeadRule | None
    not_led: NotLed | None = None


@dataclass(slots=True)
class Catcher:
    """The servers so far, and the port that stands for each."""

    _ports: dict[Server, int] = field(default_factory=dict)
    _servers: dict[int, Server] = field(default_factory=dict)

    def choose(self, rule: CatchRule, call: Call) -> Choice:
        """Redirect a TCP connect that a server would accept. A new server gets the next free port."""
        for known in rule.known:
            self._place((reached_by(known.host), known.port), known.to_port)
        host, port = call.address.host, call.address.port
        if call.socket_type != socket.SOCK_STREAM or host is None or not port:
            return Choice(None)
        if not is_in_our_network(call.pid):
            return Choice(None, "another network")
        server = (reached_by(host), port)
        # A program may dial the address in its memory again, and the keeper has written the relay's port there.
        again = self._servers.get(port) if server[0] == "127.0.0.1" else None
        return self._lead_again(rule, again) if again is not None else self._lead(rule, server)

    def _lead(self, rule: CatchRule, server: Server) -> Choice:
        host, port = server
        if is_here(host):
            if not is_listened_at(host, port):
                return Choice(None, "nothing listens there")
        elif host not in rule.machines:
            return Choice(None, "another machine")
        to_port = self._ports.get(server) or next((free for free in rule.ports if free not in self._servers), None)
        if to_port is None:
            return Choice(None, "no port is left")
        self._place(server, to_port)
        return Choice(LeadRule(id=rule.id, host=host, port=port, to_port=to_port, transport="stream"))

    def _lead_again(self, rule: CatchRule, server: Server) -> Choice:
        found = self._lead(rule, server)
        if found.rule is None:  # the kernel would find the relay's port open
            host, port = server
            return Choice(ConnectRule(id=rule.id, host=host, port=port, errno=errno.ECONNREFUSED))
        return found

    def _place(self, server: Server, to_port: int) -> None:
        self._ports[server] = to_port
        self._servers[to_port] = server
