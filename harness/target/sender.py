"""Turns a delivery into a request, and an answer into an outcome."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from harness.target.description import HttpTemplate
from harness.target.placeholders import GIVEN, VERSION
from harness.target.sections.requests import SOURCE
from harness.vocabulary.ids import number_of, uuid_of


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook to deliver. `digest` is the SHA-256 of the body, in hex.

    `identity`: who sends it, one of the target's `[identities]`; empty for the first sender. `given`: the id that the
    service gave to it; empty before that. `version`: the version of it that an answer showed last.
    """

    id: str
    source: str
    body: bytes
    digest: str = field(init=False)
    identity: str = field(default="", kw_only=True)
    given: str = field(default="", kw_only=True)
    version: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.body).hexdigest())

    @property
    def uuid(self) -> str:
        """The UUID that stands for its id, for a service that accepts only UUIDs. Rows may list it as the id."""
        return uuid_of(self.id)

    @property
    def number(self) -> str:
        """The number that stands for its id, in the same way. It has 16 digits, which JavaScript can represent."""
        return number_of(self.id)

    @property
    def name(self) -> str:
        """Its name in histories and rows: its id, after its source if that is not the usual one."""
        return self.id if self.source == SOURCE else f"{self.source}/{self.id}"


@dataclass(frozen=True, slots=True)
class Then:
    """What a client does on the connection beside sending one whole request and reading its answer.

    `ahead_paths`: the client sends a GET of each ahead of the request, without waiting for answers. `behind`: bytes
    that follow the request directly and do not belong to it. The other fields come after the answer. `rest`: the rest
    of a request that was sent in part. `on_bytes`: this many more bytes of a body without an end; the service has to
    end the connection before that. `next_path`: a GET of that path over the same connection, or, with `nonsense`, bytes
    that are not HTTP; the service answers, unless it has said that it ends the connection. `stays`: the client keeps
    the connection to the end of the run.
    """

    behind: bytes = b""
    rest: bool = False
    on_bytes: int = 0
    next_path: str = ""
    nonsense: bool = False
    stays: bool = False
    ahead_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request to send. The path begins with `/` and is appended to the service's address.

    With a header `transfer-encoding: chunked` the body is sent in chunks. Only then can `trailers` follow it.
    `pause_s`: the client waits this long before it begins, in the middle of the head and in the middle of the body.
    `sent_bytes`: the client sends only this many bytes; None: all. `hangs_up`: then the client closes. `trickle_s`:
    instead it sends one more byte every so many seconds until the answer comes. `then`: what follows on the connection.
    With a header `expect: 100-continue` the client waits before it sends the body.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    trailers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    sent_bytes: int | None = None
    hangs_up: bool = False
    then: Then | None = None
    trickle_s: float = 0.0

    @property
    def asks_to_close(self) -> bool:
        """Whether the service has to end the connection after its answer."""
        return any(name.lower() == "connection" and "close" in text.lower() for name, text in self.headers.items())

    @property
    def is_chunked(self) -> bool:
        """Whether the body is sent in chunks, without a length."""
        return any(name.lower() == "transfer-encoding" for name in self.headers)

    @property
    def asks_first(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return any(name.lower() == "expect" for name in self.headers)


class Sender(Protocol):
    """Knows how this service wants its deliveries; a target description may name such a class.

    It is created without arguments. `settings` are put into the service's environment: a secret that both must know is
    made here, not written into a file.
    """

    def settings(self) -> Mapping[str, str]:
        """Environment variables that the service needs in order to accept what `request` builds."""
        ...

    def request(self, delivery: Delivery) -> OutgoingRequest:
        """Build the request; called for every attempt, so that a signature is fresh.

        If the target describes `[wrong]` requests with `age_s`, it also takes a keyword argument `age_s`: sign as if
        that many seconds ago.
        """
        ...


class TemplateSender:
    """Sends what an `http` table describes: the raw body, or a text that contains it, unsigned."""

    def __init__(self, template: HttpTemplate) -> None:
        self._template = template

    def settings(self) -> Mapping[str, str]:
        """Return no settings: there is no secret."""
        return {}

    def request(self, delivery: Delivery) -> OutgoingRequest:
        """Fill the template in."""
        words = words_of(delivery)
        headers = {name: fill(text, words) for name, text in self._template.headers.items()}
        path = fill(self._template.path, words)
        return OutgoingRequest(self._template.method, path, headers, self._body(delivery))

    def _body(self, delivery: Delivery) -> bytes:
        return delivery.body if self._template.body is None else body_of(self._template.body, delivery)


TEMPLATE_WORDS: Sequence[str] = ("source", "id", "uuid", "number", "digest")
BODY_WORDS: Sequence[str] = (*TEMPLATE_WORDS, "body", "base64")


def words_of(delivery: Delivery) -> Mapping[str, str]:
    """The placeholders for a delivery in the target's texts."""
    named = {"id": delivery.id, "uuid": delivery.uuid, "number": delivery.number}
    return {"source": delivery.source, **named, "digest": delivery.digest, GIVEN: delivery.given}


def words_of_change(delivery: Delivery) -> Mapping[str, str]:
    """The placeholders for a delivery in the texts of a change: also its version, which the change names."""
    return {**words_of(delivery), VERSION: delivery.version}


def body_of(text: str, delivery: Delivery, words: Mapping[str, str] | None = None) -> bytes:
    """Fill in the text of a body. `words`: its placeholders; None: those of any delivery."""
    filled = fill(text, {**(words or words_of(delivery)), "base64": base64.b64encode(delivery.body).decode()})
    # Last, and as bytes: what it contains is no placeholder, and need not be text.
    return filled.encode().replace(b"{body}", delivery.body)


def fill(text: str, words: Mapping[str, str]) -> str:
    """Replace `{word}` by its value. Other braces stay as they are."""
    for word, value in words.items():
        text = text.replace("{" + word + "}", value)
    return text
