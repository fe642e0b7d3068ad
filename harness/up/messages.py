"""The messages between `harness run` and `harness up`: a line of JSON each, with the three standard streams.

The end of the caller's connection ends its run, so Ctrl-C and a killed caller are handled alike.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

READ_BYTES = 65536
ASKED_BYTES_MAX = 16_000_000
STREAMS = 3
TAKEN = b"taken\n"
"""The first answer: this run is next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to run, and the asking process's words, folder, environment and streams.

    `arguments`: those of `harness run`. `argv`: the whole command line. `path`: `sys.path`. `encoding`: of its
    standard output. `streams`: standard input, output and error, open descriptors.
    """

    arguments: Sequence[str]
    argv: Sequence[str]
    directory: str
    environment: Mapping[str, str]
    path: Sequence[str]
    encoding: str
    streams: Sequence[int] = dataclasses.field(default=(), compare=False)

    def close(self) -> None:
        """Close the streams."""
        for descriptor in self.streams:
            os.close(descriptor)


def send_asked(connection: socket.socket, asked: Asked) -> None:
    """Send the request and the streams. Raises OSError."""
    line = json.dumps({**dataclasses.asdict(asked), "streams": []}).encode("utf-8", "surrogateescape") + b"\n"
    sent = socket.send_fds(connection, [line], list(asked.streams))
    if sent < len(line):  # an empty send fails if the other end has answered and closed
        connection.sendall(line[sent:])


def read_asked(connection: socket.socket) -> Asked | None:
    """Read it; None from a caller that only looked whether the stack answers. Raises OSError and ValueError."""
    data, streams, _, _ = socket.recv_fds(connection, READ_BYTES, STREAMS)
    try:
        return _understood(data, streams, connection) if data else None
    except BaseException:
        for descriptor in streams:
            os.close(descriptor)
        raise


def _understood(data: bytes, streams: Sequence[int], connection: socket.socket) -> Asked:
    while not data.endswith(b"\n"):
        more = connection.recv(READ_BYTES)
        if not more or len(data) > ASKED_BYTES_MAX:
            raise ValueError("the line has no end")
        data += more
    if len(streams) != STREAMS:
        raise ValueError(f"it has {len(streams)} streams")
    try:
        return dataclasses.replace(Asked(**json.loads(data)), streams=tuple(streams))
    except TypeError as problem:
        raise ValueError(f"it has other fields: {problem}") from problem
