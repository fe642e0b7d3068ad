"""The fault that only an HTTP response can have: a wrong length.

For everything else use the faults of `wire`, as on any link: `wire.fail(http.sent("POST /charges"), code="503")`
answers with a status.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.example import Example, Ground
from harness.faults.messages.message import WireFault
from harness.protocols.http.wire import length
from harness.protocols.http.words import Http
from harness.relay import Action
from harness.vocabulary import Link

__all__ = ["WrongLength", "wrong_length"]


@dataclass(frozen=True, repr=False)
class WrongLength(WireFault, kind="wrong_length"):
    """The response's Content-Length announces `by` bytes more than follow, or fewer if `by` is negative.

    For example::

        async with lab.inject(wrong_length(http.answered("POST /charges"), by=10)):
            await lab.deliver()

    Nothing else is changed, and the connection stays open. If the response announces more bytes, the client waits for
    them (RFC 9112, section 6.3). If it announces fewer, the rest is still on the connection when the next response
    comes. A response without a length, or with a length that is too small for `by`, passes unchanged, and the fault
    waits for the next one.

    Args:
        at: a response on an HTTP link, such as `http.answered("POST /charges")`.
        always: every such message, not only the first one.
        by: how many bytes more, or with a minus, fewer; not 0.

    Raises:
        UsageError: `at` is not a response on an HTTP link, or `by` is 0.
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
        """The response to one request announces more bytes than follow."""
        return Example(cls(ground.answered, by=10))

    def effect(self) -> str:
        """How wrong the announced length is."""
        more = f"{self.by} bytes more than come" if self.by > 0 else f"{-self.by} bytes less than come"
        return f"announce {more} with {self.at.words()}"


wrong_length = WrongLength
