"""What only an HTTP response can have wrong: its length.

All else that can happen to a request or a response is `wire`'s, as on any link: `wire.fail(http.sent("POST /charges"),
code="503")` gives a status in the answer's place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.example import Example, Ground
from harness.faults.wire import WireFault
from harness.protocols.http import length
from harness.protocols.http.words import Http
from harness.relay import Action
from harness.vocabulary import Link

__all__ = ["WrongLength", "wrong_length"]


@dataclass(frozen=True, repr=False)
class WrongLength(WireFault, kind="wrong_length"):
    """The response's Content-Length announces `by` bytes more than come, less where `by` is negative.

    Nothing else is changed, and the connection stays open. Where more is announced, the client waits for it. Where less
    is, the rest is still on the connection when the next response comes. A response that announces no length, or less
    than is to be taken off, does not meet it, and passes.

    Example:
        `wrong_length(http.answered("POST /charges"), by=10)`
    """

    acts: ClassVar[type[Action]] = length.WrongLength
    by: int = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.at.link, Http):
            mend = "name a response on an HTTP link"
            raise UsageError.at(self.kind, "at", self.at, "only HTTP announces a length so", mend=mend)

    @classmethod
    def fits(cls) -> type[Link]:
        """Links that speak HTTP."""
        return Http

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The response to one request announces more than comes."""
        return Example(cls(ground.answered, by=10))

    def effect(self) -> str:
        """What it does."""
        more = f"{self.by} bytes more than come" if self.by > 0 else f"{-self.by} bytes less than come"
        return f"announce {more} with {self.at.words()}"


wrong_length = WrongLength
