"""What who asks and who answers say to each other: a line of JSON each, the three standard streams with the first."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

READ_BYTES = 65536
ASKED_BYTES_MAX = 16_000_000
STREAMS = 3
INTERRUPT = b"interrupt\n"
"""Said once the run was asked for, at Ctrl-C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to run, and how it would run in the asking process: its words, folder, environment and streams.

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
        """Give the streams back."""
        for descriptor in self.streams:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Taken:
    """It was heard, and will be run."""


@dataclass(frozen=True, slots=True)
class Again:
    """It was not run: ask again, of a stack that comes up now. `why` is for the user."""

    why: str


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over, with this exit status."""

    status: int


Answer: TypeAlias = Taken | Again | Ended
ANSWERS: Mapping[str, type[Answer]] = {kind.__name__: kind for kind in (Taken, Again, Ended)}


def send_asked(connection: socket.socket, asked: Asked) -> None:
    """Send what is asked, and the streams with it. Raises OSError."""
    line = json.dumps({**dataclasses.asdict(asked), "streams": []}).encode("utf-8", "surrogateescape") + b"\n"
    sent = socket.send_fds(connection, [line], list(asked.streams))
    if sent < len(line):  # to send nothing fails where the other one has answered, and gone, by now
        connection.sendall(line[sent:])


def read_asked(connection: socket.socket) -> Asked | None:
    """Read it; None from one that only looked whether somebody answers. Raises OSError, and ValueError."""
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
            raise ValueError("it ends in the middle, or never")
        data += more
    if len(streams) != STREAMS:
        raise ValueError(f"it came with {len(streams)} streams")
    return dataclasses.replace(Asked(**json.loads(data)), streams=tuple(streams))


def send_answer(connection: socket.socket, answer: Answer) -> None:
    """Send an answer. Raises OSError for one that nobody waits for any more."""
    said = {"kind": type(answer).__name__, **dataclasses.asdict(answer)}
    connection.sendall(json.dumps(said).encode() + b"\n")


def answer_of(line: bytes) -> Answer:
    """Read an answer."""
    said = json.loads(line)
    return ANSWERS[said.pop("kind")](**said)
