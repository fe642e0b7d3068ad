"""Requests that a target describes beside the delivery itself: reads, unusual deliveries, and wrong requests."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from harness.documents import Expression, Table, Text, wrong
from harness.target.sections.outcomes import HeaderName, Status

SOURCE = "harness"
"""The source of every delivery, unless its identity has another."""
Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
SHOWS = ("digest", "body", "base64")
"""Groups of `shows`: the body's SHA-256 in hex, the body itself, or the body in base64."""


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise wrong("a path begins with /", f"write /{text}")
    return text


def _shows(text: str) -> str:
    groups = set(re.compile(text).groupindex)
    if len(groups & set(SHOWS)) != 1:
        raise wrong("needs one group that shows the body", "put (?P<digest>...) around the SHA-256", valid=SHOWS)
    return text


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error as problem:
        raise wrong(f"is not base64: {problem}", "`base64 FILE` prints a file's") from problem
    return text


UrlPath = Annotated[str, AfterValidator(_path)]


class ReadDescription(Table):
    """A request that reads what is stored of one delivery, and changes nothing.

    The harness sends it for acknowledged deliveries, which it must find, and for ids that were never sent, which it
    must not find.
    """

    method: Method = "GET"
    """The method of the read."""
    path: UrlPath
    """With `{source}`, `{id}`, `{uuid}`, `{number}` and `{given}`, which are filled in."""
    headers: dict[str, str] = Field(default={})
    """Its headers."""
    says: Expression | None = None
    """What an answer that has found the delivery must also contain: see `says` of `[outcomes]`."""
    shows: Annotated[Expression, AfterValidator(_shows)] | None = None
    """Finds what is stored in the answer: a group `digest`, `body` or `base64`. It must be what was sent."""


class UpdateDescription(Table):
    """A request that changes what is stored of one delivery, or removes it.

    The harness sends it for separate deliveries. The service's answers and rows must agree: a changed delivery stays
    changed, a removed one stays away, and a refused change has not happened.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "PUT"
    """The method of the request."""
    path: UrlPath
    """With `{source}`, `{id}`, `{uuid}`, `{number}`, `{given}` and `{version}`, which are filled in."""
    headers: dict[str, str] = Field(default={})
    """Its headers, with the same placeholders: `if-match = "{version}"`."""
    body: str | None = None
    """The body to send, like that of `[sender.http]`. `{digest}` and `{body}` then belong to another body, which is
    stored from then on. Without this key, that body itself is sent; a request that removes has no body."""
    removes: bool = Field(default=False, strict=True)
    """The request removes the delivery: afterwards a read gets `absent` or `rejected`, and there is no row."""

    @property
    def texts(self) -> Sequence[str]:
        """Its texts with placeholders."""
        return (self.path, *self.headers.values(), self.body or "")


class ChangedDescription(Table):
    """An unusual delivery.

    `id`, `body`, `body_base64`, `body_times`, `body_bytes` and `age_s` change it before the sender signs it, the other
    keys afterwards. Their texts may contain `{source}`, `{id}`, `{digest}`, and each header of the sender, such as
    `{content-type}`.
    """

    about: Text
    """Why it is right, or must be rejected."""
    id: str | None = None
    """Another id, which contains `{id}`, so that each is sent once."""
    body: str | None = None
    """A body in place of the delivery's. If `body` of `[sender.http]` has no `{body}` or `{base64}`, this is the whole
    body that is sent, with `{source}`, `{id}` and `{digest}` filled in."""
    body_base64: Annotated[str, AfterValidator(_base64)] | None = None
    """A binary body in place of the delivery's, in base64."""
    body_times: int = Field(default=1, ge=1, le=1 << 26)
    """The body is that text, repeated this many times. For example, `[` a hundred thousand times is too deep for most
    parsers.
    """
    body_bytes: int | None = Field(default=None, ge=1, le=1 << 26)
    """A body of this size, otherwise like those of deliveries."""
    age_s: float = Field(default=0.0, allow_inf_nan=False)
    """Signed this many seconds ago; negative: in the future. The Python sender's `request` must take `age_s`."""
    headers: dict[str, str] = Field(default={})
    """Headers that replace the sender's. With `transfer-encoding = "chunked"` the body is sent in chunks."""
    head_bytes: int | None = Field(default=None, ge=1, le=1 << 26)
    """One more header, of this size."""
    ahead: int = Field(default=0, ge=0, le=10_000)
    """The client sends this many requests for `alive` ahead of it over the same connection, and waits for no answer
    before it has sent everything (pipelining). Each must get its own answer, in this order.
    """
    behind: str = ""
    """Text that follows the request on the connection, and is not part of it. The request must still get its own
    answer.
    """
    followed_by: Literal["alive", "nonsense"] | None = None
    """After the answer, the client sends something else over the same connection: a request for `alive`, which must be
    answered, or bytes that are not HTTP, which must be rejected; unless the first answer has said that it is the
    connection's last, by `connection: close`."""
    pause_ms: float = Field(default=0.0, ge=0, le=60_000, allow_inf_nan=False)
    """The client pauses three times for this long: before it sends anything, in the middle of the head, and in the
    middle of the body.
    """
    slow: bool = Field(default=False, strict=True)
    """It takes seconds, so it is sent only if a scenario says `lab.contract(slow=True)`."""
    by_name_only: bool = Field(default=False, strict=True)
    """It costs so much that it is sent only if a scenario names it: `lab.request("NAME", of=None)`."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.model_fields_set <= {"about"}:
            raise wrong("changes nothing, so it is a valid delivery", "give it without_headers = ['x-signature'], say")
        return self

    @model_validator(mode="after")
    def _has_a_text_to_repeat(self) -> Self:
        if self.body_times > 1 and self.body is None:
            raise wrong("body_times: there is no body to repeat", "give body, too")
        if self.body is not None and self.body_base64 is not None:
            raise wrong("body_base64: there is a body already", "leave one of them out")
        return self


class RightDescription(ChangedDescription):
    """An unusual but valid delivery: it must be stored and acknowledged like any other."""


class WrongDescription(ChangedDescription):
    """A delivery with a change for which the service must reject it, even while something is broken."""

    altered: bool = Field(default=False, strict=True)
    """The body is not the one that was signed. The headers, signature included, are those of an earlier accepted
    delivery, as an attacker could have recorded them."""
    signed_as: str | None = None
    """Signed by another one of the `[identities]`, but sent in the name of the first sender."""
    path: UrlPath | None = None
    """Another path."""
    method: Method | None = None
    """Another method."""
    without_headers: list[str] = Field(default=[])
    """Headers that are left out."""
    first: dict[str, str] = Field(default={})
    """Headers that are sent before the sender's headers of the same names."""
    last: dict[str, str] = Field(default={})
    """Headers that are sent after the sender's headers of the same names."""
    trailers: dict[str, str] = Field(default={})
    """Headers that follow the body, which is then sent in chunks."""
    trailer_bytes: int | None = Field(default=None, ge=1, le=1 << 26)
    """One more header after the body, of this size."""
    sent_bytes: int | None = Field(default=None, ge=0, le=1 << 26)
    """The client sends only this many bytes of the request, and keeps the connection open: the service must not wait
    for the rest. 0: a client that never sends anything."""
    trickle_ms: float = Field(default=0.0, ge=0, le=10_000)
    """After `sent_bytes` the client sends one byte every so many milliseconds until the answer comes. This must not
    give the client more time.
    """
    sends_rest: bool = Field(default=False, strict=True)
    """After `sent_bytes` the client waits for the answer, and then sends the rest, like a client that reads late.
    The service must not reset the connection before that, because the answer could be lost."""
    sends_on_bytes: int = Field(default=0, ge=0, le=1 << 30)
    """The body has no end: after the answer, the client sends this many more bytes. The service must close the
    connection before they are all sent.
    """
    hangs_up: bool = Field(default=False, strict=True)
    """The client closes the connection after `sent_bytes`, without an answer. Nothing may be stored, and
    the service must not log it as a failure of its own."""
    stays: bool = Field(default=False, strict=True)
    """After the answer, the client keeps the connection to the end of the run, and neither reads nor writes. The
    service must close it by itself: see `half-closed connections` of `[residue]`, and `stop_ms` of `[limits]`."""
    carries: dict[HeaderName, Expression] = Field(default={})
    """Headers that its answer must have, and an expression that finds the value: for example `allow` if the method is
    wrong.
    """
    status: list[Status] = Field(default=[])
    """The status of the rejection, if it matters, such as `["401"]`. By default any rejection is right."""

    @model_validator(mode="after")
    def _has_a_rest(self) -> Self:
        if self.sends_rest and self.sent_bytes is None:
            raise wrong("sends_rest: the whole request is sent before the answer", "give sent_bytes, too")
        if self.trickle_ms and self.sent_bytes is None:
            raise wrong("trickle_ms: the whole request is sent at once", "give sent_bytes, too")
        if self.altered and (self.body is not None or self.body_base64 is not None or self.signed_as is not None):
            raise wrong("altered: it uses another delivery's headers and signature", "leave the other one out")
        if self.stays and (self.hangs_up or self.sends_rest or self.sends_on_bytes or self.followed_by):
            raise wrong("stays: the client does something else after its answer", "leave one of them out")
        return self


class IdentityDescription(Table):
    """Another sender: another source or tenant, or the same one with another secret.

    A Python sender finds the identity's name in `delivery.identity`, and signs accordingly. The same id from another
    source is another delivery; from the same source it is a repeat.
    """

    source: str = Field(default=SOURCE, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """What `{source}` stands for. The first sender's is `harness`."""
