"""A toxic of Toxiproxy's API. The fault that uses a type explains what it does: `harness/faults/link.py`.

A toxic acts on one direction. `upstream` is the service's bytes on their way to the server, `downstream` is the
server's answers on their way back. When a toxic closes its direction, Toxiproxy closes the whole connection, on both
sides. Toxicity is always 1.0. Toxiproxy would draw it again for each direction of each connection, and whenever a toxic
is updated or another is added behind it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.errors import UsageError

Stream = Literal["upstream", "downstream"]
"""Upstream: bytes that the service sends. Downstream: bytes that it receives."""
STREAMS: tuple[Stream, ...] = ("upstream", "downstream")

# A name is a segment of the API's path, and a part of ids and of file names.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
TOXICITY = 1.0

_ALL_AT_ONCE = 1_000_000_000
WITHOUT_EFFECT: Mapping[str, Mapping[str, int]] = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": _ALL_AT_ONCE},
    "slow_close": {"delay": 0},
    "slicer": {"average_size": _ALL_AT_ONCE, "size_variation": 0, "delay": 0},
}
"""Attributes with which a type that can hold bytes has no effect. Toxics of the other types can be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """One toxic of one proxy: `Toxic(type="latency", stream="upstream", attributes={"latency": 200, "jitter": 0})`.

    `attributes` has Toxiproxy's own keys. Toxiproxy checks no value, and some (a negative rate, slices of 0 bytes)
    end its whole process: the faults check them. `name` is `TYPE_STREAM` unless given; it is unique on its proxy.

    Raises:
        UsageError: no such direction, or a name that cannot be in a path.
    """

    type: str
    stream: Stream
    attributes: Mapping[str, int]
    name: str = ""

    def __post_init__(self) -> None:
        place = f"toxic {self.type}"
        if self.stream not in STREAMS:
            raise UsageError.at(place, "stream", self.stream, "no such direction", valid=STREAMS)
        if not self.name:
            object.__setattr__(self, "name", f"{self.type}_{self.stream}")
        check_name(place, self.name)

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Toxic:
        """Return the toxic that Toxiproxy's JSON object describes."""
        return cls(
            type=answer["type"], stream=answer["stream"], name=answer["name"], attributes=dict(answer["attributes"])
        )


def check_name(place: str, name: str) -> None:
    """Raise UsageError unless `name` can be in the API's path, in an id and in a file name."""
    if not SAFE_NAME.fullmatch(name):
        problem = "not a safe name"
        mend = "use 1 to 100 of the characters A-Z a-z 0-9 . _ + -, beginning with a letter or a digit"
        raise UsageError.at(place, "name", name, problem, mend=mend)


def has_no_effect(answer: Mapping[str, Any]) -> bool:
    """Return whether Toxiproxy's JSON object describes a removed toxic."""
    return bool(answer["attributes"] == WITHOUT_EFFECT.get(answer["type"]))
