"""Toxiproxy's toxics as values, and what each really does to open and to new connections.

Each statement here was read in the source of Toxiproxy 2.12 and is held by a test against the real
server (`tests/stack/test_toxiproxy_toxics.py`). "Open" is a connection that exists when the toxic is
added; "new" is one made while it is there. Toxicity is always 1.0: it would be rolled anew for each
direction of each connection, and again when a toxic is updated or another is added behind it.

A toxic acts on one direction. `upstream` is the service's bytes on their way to the server,
`downstream` is the server's answers on their way back. When a toxic closes its direction, Toxiproxy
closes the whole connection, on both sides.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.errors import HarnessError, UsageError

Stream = Literal["upstream", "downstream"]
STREAMS: tuple[Stream, ...] = ("upstream", "downstream")

# A name is a segment of the API's path, and a part of ids and of file names.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
TOXICITY = 1.0

_DAY_MS = 86_400_000
_MANY = 10_000_000
_ALL_AT_ONCE = 1_000_000_000


def _number(key: str, *, at_least: int = 0, at_most: int, default: int | None = None) -> Any:
    """Return a dataclass field that Toxiproxy calls `key`, with its limits."""
    metadata = {"key": key, "at_least": at_least, "at_most": at_most}
    return dataclasses.field(default=dataclasses.MISSING if default is None else default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """What all toxics have. `name` is `TYPE_STREAM` unless given; it is unique on its proxy.

    Raises UsageError, with toxic, key, value and mend, when a value is out of its limits: Toxiproxy
    itself checks none, and some of them (a negative rate, slices of 0 bytes) end its whole process.
    """

    type: ClassVar[str]
    neutral: ClassVar[Mapping[str, int] | None] = None
    """Attributes with which a kind that can hold bytes has no effect; None for the other kinds."""

    stream: Stream
    name: str = ""

    def __post_init__(self) -> None:
        if self.stream not in STREAMS:
            raise UsageError.at(self._place(), "stream", self.stream, "no such direction", valid=STREAMS)
        if not self.name:
            object.__setattr__(self, "name", f"{self.type}_{self.stream}")
        check_name(self._place(), self.name)
        for each in self._numbers():
            self._check(each)

    @property
    def attributes(self) -> dict[str, int]:
        """The values under Toxiproxy's own keys."""
        return {each.metadata["key"]: getattr(self, each.name) for each in self._numbers()}

    def _place(self) -> str:
        return f"toxic {self.type}"

    def _numbers(self) -> list[dataclasses.Field[Any]]:
        return [each for each in dataclasses.fields(self) if "key" in each.metadata]

    def _check(self, each: dataclasses.Field[Any]) -> None:
        value = getattr(self, each.name)
        low, high = each.metadata["at_least"], each.metadata["at_most"]
        if isinstance(value, bool) or not isinstance(value, int):
            raise UsageError.at(self._place(), each.name, value, "not a whole number", mend="write a whole number")
        if not low <= value <= high:
            mend = f"write {min(max(value, low), high)}, or another number from {low} to {high}"
            raise UsageError.at(self._place(), each.name, value, f"not within {low} to {high}", mend=mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Toxic):
    """Each chunk of bytes waits until `latency_ms` (+/- `jitter_ms`) after it was read.

    Open and new connections alike. Chunks keep their order, and wait side by side: ten chunks sent at
    once arrive together, not ten latencies later. Nothing is lost: up to 1024 chunks (32 KiB each at
    most) are buffered, so the sender sees no back-pressure before that. Updated or removed, the chunk
    in hand passes at once and, when removed, all behind it too: the connection goes on. A chunk and
    the end of the stream wait as well: a close by either side is passed on only after the chunks.
    """

    type: ClassVar[str] = "latency"
    neutral: ClassVar[Mapping[str, int] | None] = {"latency": 0, "jitter": 0}
    latency_ms: int = _number("latency", at_least=1, at_most=_DAY_MS)
    jitter_ms: int = _number("jitter", at_most=_DAY_MS, default=0)

    def __post_init__(self) -> None:
        Toxic.__post_init__(self)
        if self.jitter_ms > self.latency_ms:
            problem, mend = f"more than latency_ms = {self.latency_ms}", f"write at most {self.latency_ms}"
            raise UsageError.at(self._place(), "jitter_ms", self.jitter_ms, problem, mend=mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth(Toxic):
    """Bytes pass at `rate_kb_s` kilobytes a second, in pieces of at most 100 ms.

    Open and new connections alike. A rate of 0 passes nothing at all and keeps every byte: the sender
    soon fills the socket's buffers and sees back-pressure, as with a peer that has stopped reading.
    Updated or removed, the waiting bytes pass at once and the connection goes on.
    """

    type: ClassVar[str] = "bandwidth"
    neutral: ClassVar[Mapping[str, int] | None] = {"rate": _ALL_AT_ONCE}
    rate_kb_s: int = _number("rate", at_most=_MANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose(Toxic):
    """Bytes pass; when this direction's sender closes, that is passed on `delay_ms` later.

    Open and new connections alike. Removed, a close that waits is passed on at once. It has no effect
    on `enabled = false`, which closes both sides itself.
    """

    type: ClassVar[str] = "slow_close"
    neutral: ClassVar[Mapping[str, int] | None] = {"delay": 0}
    delay_ms: int = _number("delay", at_least=1, at_most=_DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout(Toxic):
    """Bytes are dropped. After `timeout_ms` without any, the connection is closed; 0: it stays open.

    Open and new connections alike. The time starts anew with each chunk that is dropped. Removed, it
    closes every connection that it was on, at once: the dropped bytes are gone, so the stream could
    not go on.
    """

    type: ClassVar[str] = "timeout"
    timeout_ms: int = _number("timeout", at_most=_DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPeer(Toxic):
    """The next chunk is dropped and, `timeout_ms` later, the connection is reset.

    New connections get a real RST (ECONNRESET). Open ones get a plain close: Toxiproxy sets SO_LINGER
    only when a connection starts, so they see an end of file, or an RST of the kernel's own if they
    had sent more than Toxiproxy had read. An idle one lives on until its next chunk, either way. Removed,
    connections made while it was there are still reset, not closed, at their end.
    The wait cannot be interrupted: removing the toxic blocks for what is left of `timeout_ms`.
    """

    type: ClassVar[str] = "reset_peer"
    timeout_ms: int = _number("timeout", at_most=5_000, default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicer(Toxic):
    """Each chunk goes on in slices of about `average_size_bytes`, `delay_us` apart.

    Open and new connections alike. The sizes are random within `size_variation_bytes`; 0 makes them
    repeatable. Nothing is lost or reordered, also when it is removed in the middle of a chunk.
    """

    type: ClassVar[str] = "slicer"
    neutral: ClassVar[Mapping[str, int] | None] = {"average_size": _ALL_AT_ONCE, "size_variation": 0, "delay": 0}
    average_size_bytes: int = _number("average_size", at_least=1, at_most=_MANY)
    size_variation_bytes: int = _number("size_variation", at_most=_MANY, default=0)
    delay_us: int = _number("delay", at_most=60_000_000, default=0)

    def __post_init__(self) -> None:
        Toxic.__post_init__(self)
        if self.size_variation_bytes >= self.average_size_bytes:
            problem = f"not less than average_size_bytes = {self.average_size_bytes}"
            mend = f"write at most {self.average_size_bytes - 1}"
            raise UsageError.at(self._place(), "size_variation_bytes", self.size_variation_bytes, problem, mend=mend)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitData(Toxic):
    """After `limit_bytes` in this direction the connection is closed; what is beyond is dropped.

    The close comes with the byte that reaches the limit; with 0, with the first chunk. New connections
    count from their first byte, open ones from the moment the toxic is added; each has its own count.
    """

    type: ClassVar[str] = "limit_data"
    limit_bytes: int = _number("bytes", at_most=2**40)


KINDS: Mapping[str, type[Toxic]] = {
    kind.type: kind for kind in (Latency, Bandwidth, SlowClose, Timeout, ResetPeer, Slicer, LimitData)
}


def check_name(place: str, name: str) -> None:
    """Raise UsageError unless `name` can stand in the API's path, in an id and in a file name."""
    if not SAFE_NAME.fullmatch(name):
        problem = "not a safe name"
        mend = "use 1 to 100 of the characters A-Z a-z 0-9 . _ + -, beginning with a letter or a digit"
        raise UsageError.at(place, "name", name, problem, mend=mend)


def is_neutral(answer: Mapping[str, Any]) -> bool:
    """Tell whether Toxiproxy's JSON object describes a toxic that was taken back."""
    kind = KINDS.get(answer["type"])
    return kind is not None and answer["attributes"] == kind.neutral


def toxic_from_api(answer: Mapping[str, Any]) -> Toxic:
    """Return the value that Toxiproxy's JSON object describes. Raises HarnessError for an unknown type."""
    kind = KINDS.get(answer["type"])
    if kind is None:
        mend = f"remove it, or start another Toxiproxy; known are {', '.join(KINDS)}"
        raise HarnessError(f"Toxiproxy has a toxic of the unknown type {answer['type']!r}", hint=mend)
    keys = {each.metadata["key"]: each.name for each in dataclasses.fields(kind) if "key" in each.metadata}
    numbers = {keys[key]: value for key, value in answer["attributes"].items() if key in keys}
    return kind(stream=answer["stream"], name=answer["name"], **numbers)
