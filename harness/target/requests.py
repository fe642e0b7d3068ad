"""Requests that a target describes beside the delivery itself: reads, and requests that must be rejected."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from harness.documents import Expression, Table, Text, wrong

SOURCE = "harness"
"""The source of every delivery, unless an identity has another."""
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
        raise wrong("needs one group that shows the body", "put (?P<digest>...) where the SHA-256 stands", valid=SHOWS)
    return text


UrlPath = Annotated[str, AfterValidator(_path)]


class ReadDescription(Table):
    """A request that asks what is stored of one delivery, and changes nothing.

    The harness sends it for deliveries that were acknowledged, which it must find, and for ids that were never sent,
    which it must not.
    """

    method: Method = "GET"
    """The method of the read."""
    path: UrlPath
    """With `{source}` and `{id}`, which are filled in."""
    headers: dict[str, str] = Field(default={})
    """Its headers."""
    shows: Annotated[Expression, AfterValidator(_shows)] | None = None
    """Finds what is stored in the answer: a group `digest`, `body` or `base64`. It must be what was sent."""


class WrongDescription(Table):
    """A delivery changed so that the service must reject it, whatever else is broken.

    `body`, `body_bytes`, `age_s` and `signed_as` change it before the sender signs it, `path`, `method`, `headers` and
    `without_headers` afterwards.
    """

    about: Text
    """Why it must be rejected."""
    body: str | None = None
    """A body in place of the delivery's."""
    body_bytes: int | None = Field(default=None, ge=1, le=1 << 26)
    """A body of that size, otherwise as the deliveries' own."""
    age_s: float = Field(default=0.0, allow_inf_nan=False)
    """Signed that many seconds ago; negative: in the future. The Python sender's `request` must take `age_s`."""
    signed_as: str | None = None
    """Signed by another of the `[identities]`, and sent as if by the first."""
    path: UrlPath | None = None
    """Another path."""
    method: Method | None = None
    """Another method."""
    headers: dict[str, str] = Field(default={})
    """Headers that are added, or replace the delivery's."""
    without_headers: list[str] = Field(default=[])
    """Headers that are taken away."""

    @model_validator(mode="after")
    def _changes_something(self) -> WrongDescription:
        if self.model_fields_set <= {"about"}:
            raise wrong("changes nothing, so it is a valid delivery", "give it without_headers = ['x-signature'], say")
        return self


class IdentityDescription(Table):
    """Somebody else who sends: another source or tenant, or the same one with another secret.

    A Python sender finds the identity's name in `delivery.identity`, and signs accordingly. The same id from another
    source is another delivery; from the same source it is a repeat.
    """

    source: str = Field(default=SOURCE, pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """What `{source}` stands for. The first sender's is `harness`."""
