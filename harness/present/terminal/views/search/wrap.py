"""Shows what a wrapped command connected to."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from harness.present.looks import BOLD, DIM, PLAIN
from harness.present.terminal.pieces import Line
from harness.protocols.contract.about import ABOUT
from harness.results.text import counted, one_line
from harness.wrap.observed import SeenConnections, ServerSeen

WORDS_MAX: Final = 8
"""The most frequent first words of statements are shown."""
SYSTEMS: Final = ("/nscd/", "/dev/log", "/systemd/", "/dbus/", "/.X11-unix/", "@/tmp/.X11")
"""Parts of paths of sockets that C libraries and desktops connect to."""
MENDS: Final[Mapping[str, str]] = {
    "another machine": "--host ADDRESS has it relayed",
}


def wrap_lines(saw: SeenConnections) -> Iterator[Line]:
    """Return what was seen: each server, then the connects that were not redirected, and why."""
    yield [(f"harness wrap: {counted(len(saw.servers), 'server')} behind the relay", BOLD)]
    for server in saw.servers:
        yield [(f"  {one_line(_server(server))}", PLAIN)]
        if problem := _unread(server):
            yield [(f"    {problem}", DIM)]
    for passed in saw.passed:
        mend = f"; {MENDS[passed.why]}" if passed.why in MENDS else ""
        yield [(f"  not relayed: {passed.address}, {counted(passed.connects, 'connect')}: {passed.why}{mend}", DIM)]
    for path, count in saw.local.items():
        if _tells(path):
            why = "a Unix socket, which cannot be led; have the program connect to 127.0.0.1"
            yield [(f"  not relayed: {one_line(path)}, {counted(count, 'connect')}: {why}", DIM)]


def _server(server: ServerSeen) -> str:
    title = ABOUT.of(server.protocol).title if server.protocol else "a server to which nothing was said"
    told = [f"{title} at {server.address}", counted(server.connects, "connection")]
    statements = server.statements
    if statements:
        named = ", ".join(f"{count} {word}" for word, count in list(statements.items())[:WORDS_MAX])
        rest = sum(list(statements.values())[WORDS_MAX:])
        others = f", {rest} others" if rest else ""
        told.append(f"{counted(sum(statements.values()), 'statement')} ({named}{others})")
    return "; ".join(told)


def _unread(server: ServerSeen) -> str:
    """The connections that could not be read, and why."""
    if server.begins_in_tls:
        return "not understood: it begins in TLS, so only whole connections can be broken"
    if server.agreed_on_tls:
        return "not understood: they agreed on TLS; turn it off to read it (sslmode=disable, or PGSSLMODE=disable)"
    if server.not_understood:
        return f"not understood: the rest of {counted(server.not_understood, 'connection direction')}"
    if server.is_opaque:
        return "not understood: a protocol that the harness does not know, whose bytes are relayed as they come"
    return ""


def _tells(path: str) -> bool:
    """Whether to show this socket: it exists, and is not one of the system's."""
    if any(part in path for part in SYSTEMS):
        return False
    try:
        return path.startswith("@") or stat.S_ISSOCK(Path(path).stat().st_mode)
    except OSError:
        return False
