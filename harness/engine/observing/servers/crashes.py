"""Records that a server crashed and recovered, according to its log. The service's errors then prove nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from harness.faults.site import ServerChange
from harness.history import Recorder
from harness.history.events import ServerCrashed
from harness.protocols.contract.about import ABOUT
from harness.stack.servers.server import Server

LINE_CHARACTERS_KEPT = 300


@contextmanager
def crashes_recorded(
    servers: Mapping[str, Server], recorder: Recorder, changes: Sequence[ServerChange]
) -> Iterator[None]:
    """Record for each server the first line of its log in the block that means a crash.

    `changes` grows while the block runs: a fault that changed the server may be the reason.
    """
    before = len(changes)
    marks = {name: server.log.size() for name, server in servers.items() if server.log is not None}
    try:
        yield
    finally:
        for name, server in servers.items():
            words = ABOUT.of(server.protocol).crash
            written = server.log.read(marks[name]) if words and server.log is not None and name in marks else ""
            line = next((line for line in written.splitlines() if re.search(words, line)), "")
            if line:
                made = [change.fault for change in changes[before:] if change.server == name]
                crashed = ServerCrashed(name, line[:LINE_CHARACTERS_KEPT], made[-1] if made else None)
                recorder.record("server", crashed)


__all__ = ["crashes_recorded"]
