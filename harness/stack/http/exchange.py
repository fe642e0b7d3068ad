"""An exchange with the service under test: a request, and its answer or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class UnansweredError(Exception):
    """No whole answer came."""


class NotConnectedError(UnansweredError):
    """No connection was made, so the service never received the request."""


class HungUpError(UnansweredError):
    """The client closed the connection after a part of the request, as intended."""


class BrokenOffError(UnansweredError):
    """The connection ended before the answer did: the service may have received the request."""


class Then(Protocol):
    """What a client does besides sending one whole request and reading its answer: the target's `Then` is one."""

    @property
    def ahead_paths(self) -> Sequence[str]:
        """The client sends a GET of each ahead of the request, without waiting for answers."""
        ...

    @property
    def behind(self) -> bytes:
        """Bytes that follow directly after the request and do not belong to it."""
        ...

    @property
    def rest(self) -> bool:
        """Whether it sends the rest of the request when it has its answer."""
        ...

    @property
    def on_bytes(self) -> int:
        """How many more bytes of an endless body it then sends, unless the service ends the connection."""
        ...

    @property
    def next_path(self) -> str:
        """The path that it then requests over the same connection; empty: none."""
        ...

    @property
    def nonsense(self) -> bool:
        """Whether it sends bytes that are not HTTP instead of that request."""
        ...

    @property
    def stays(self) -> bool:
        """Whether the client then keeps the connection, even if the service says otherwise."""
        ...


class Request(Protocol):
    """A request to send: the target's `OutgoingRequest` is one, and `Get`."""

    @property
    def method(self) -> str:
        """For example `POST`."""
        ...

    @property
    def path(self) -> str:
        """It begins with `/`."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Without `host` and `content-length`: the client adds those."""
        ...

    @property
    def body(self) -> bytes:
        """Empty if there is none."""
        ...

    @property
    def trailers(self) -> Mapping[str, str]:
        """Headers after the body; only with `is_chunked`."""
        ...

    @property
    def is_chunked(self) -> bool:
        """Whether the body is sent in chunks, without a length."""
        ...

    @property
    def asks_to_close(self) -> bool:
        """Whether the service must end the connection after its answer."""
        ...

    @property
    def pause_s(self) -> float:
        """The client's pauses: before the first byte, in the middle of the head, and in the middle of the body."""
        ...

    @property
    def sent_bytes(self) -> int | None:
        """The client sends only this many bytes; None: the whole request."""
        ...

    @property
    def trickle_s(self) -> float:
        """How often one more byte follows those, until the answer comes; 0: never."""
        ...

    @property
    def hangs_up(self) -> bool:
        """Whether the client closes the connection then."""
        ...

    @property
    def asks_first(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        ...

    @property
    def then(self) -> Then | None:
        """What follows on the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Get:
    """A GET after which the service closes the connection, so that no open one is left that counts as a client's."""

    path: str
    method: str = field(default="GET", init=False)
    headers: Mapping[str, str] = field(default_factory=lambda: {"connection": "close"})
    body: bytes = field(default=b"", init=False)
    trailers: Mapping[str, str] = field(default_factory=dict, init=False)
    is_chunked: bool = field(default=False, init=False)
    asks_to_close: bool = field(default=False, init=False)  # no caller awaits it
    pause_s: float = field(default=0.0, init=False)
    sent_bytes: int | None = field(default=None, init=False)
    trickle_s: float = field(default=0.0, init=False)
    hangs_up: bool = field(default=False, init=False)
    asks_first: bool = field(default=False, init=False)
    then: Then | None = field(default=None, init=False)


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: status, body, and headers with their names in lower case.

    `lacks`: what the service owed but did not do: to end the connection, or to keep it for this request. `paused_ms`:
    the longest time between two pieces of it. `over_kept`: its connection had carried another answer before.
    """

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    lacks: tuple[str, ...] = ()
    paused_ms: float = 0.0
    over_kept: bool = False

    @property
    def is_success(self) -> bool:
        """Whether its status is a 2xx."""
        return self.status // 100 == 2

    @property
    def says_close(self) -> bool:
        """Whether it says that it is the last one on its connection."""
        return any(name == "connection" and "close" in value.lower() for name, value in self.headers)

    @property
    def text(self) -> str:
        """The body as UTF-8. Invalid bytes are replaced."""
        return self.body.decode("utf-8", "replace")
