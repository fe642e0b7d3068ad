"""How to list what a service has stored, and what belongs to that."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from harness.documents import Expression, Table, wrong
from harness.protocols.contract.about import storing
from harness.target.placeholders import GIVEN
from harness.target.sections.requests import SHOWS, SOURCE, UrlPath
from harness.target.sections.times import Milliseconds


class NamedRows(Table):
    """Rows with a delivery's name, as SQL lists them."""

    link: str = Field(default_factory=lambda: storing()[0])
    """The link to the database. The default is the default link of the first protocol whose servers store."""
    sources: bool = Field(default=False, strict=True)
    """The rows have a column `source`, too: the same id under two sources is two deliveries."""

    def named(self, sql: str, columns: str) -> str:
        """SQL that lists these columns, and as `id` the name that histories use: see `Delivery.name`."""
        name = f"CASE source::text WHEN '{SOURCE}' THEN id::text ELSE source::text || '/' || id::text END"
        every = f"({sql.rstrip().rstrip(';')}\n) AS of_all"
        return f"SELECT {name if self.sources else 'id::text'} AS id, {columns} FROM {every}"  # noqa: S608  # the target's own


def _each(text: str) -> str:
    groups = set(re.compile(text).groupindex)
    if not groups & {"id", GIVEN}:
        mend = "put (?P<id>...) around the id, or (?P<given>...) if the service gave it"
        raise wrong("needs a group id", mend, valid=["id", GIVEN, *SHOWS])
    if len(groups & set(SHOWS)) > 1:
        raise wrong("has two groups that show the body", f"keep one of {', '.join(SHOWS)}")
    return text


def _next(text: str) -> str:
    if "path" not in re.compile(text).groupindex:
        raise wrong("has no group named path", "put (?P<path>...) where the path of the next page stands")
    return text


class ListingDescription(Table):
    """A request by which the service itself lists all that it has stored, in one answer or page by page."""

    path: UrlPath
    """The path of the request, which uses GET."""
    headers: dict[str, str] = Field(default={})
    """Its headers."""
    each: Annotated[Expression, AfterValidator(_each)]
    """Finds each stored delivery in turn: a group `id`, one of `digest`, `body` and `base64` unless `digests` is
    `false`, and perhaps `source`. A group `given` in place of `id` finds the id that the service gave, as `gives` of
    `[sender]` does."""
    next: Annotated[Expression, AfterValidator(_next)] | None = None
    """Finds the path of the next page in an answer: a group `path`. The last page has none."""

    @property
    def lists_given(self) -> bool:
        """Whether the expression finds the ids that the service gave."""
        return GIVEN in re.compile(self.each).groupindex

    @property
    def shows_bodies(self) -> bool:
        """Whether the expression finds a body, or its digest."""
        return bool(set(re.compile(self.each).groupindex) & set(SHOWS))


class StoredDescription(NamedRows):
    """How to list what the service has stored: by SQL, by the service's own list, or by a read of each delivery.

    One of `sql`, `listed` and `read` is needed. SQL and a list also show deliveries that are stored twice, or were
    never sent.
    """

    sql: str | None = None
    """Lists one row for each copy, with columns `id` and `digest` (SHA-256, hex)."""
    listed: ListingDescription | None = None
    """A request for the service's own list."""
    read: str | None = None
    """One of the `[reads]`, which is sent for each delivery."""
    digests: bool = Field(default=True, strict=True)
    """The rows of `sql` have the column `digest`, of the delivery's own body, and `listed` shows the digest or the
    body. With `false` there is only an `id`, and the checks do not compare bodies."""
    within_ms: Milliseconds = 0.0
    """How long after its acknowledgement a delivery may still not be stored. This is for a service that answers first
    and stores later, through a queue or a worker."""

    @property
    def query(self) -> str | None:
        """The SQL that lists rows by the names that histories use; None if the service itself is asked."""
        if self.sql is None or (self.digests and not self.sources):
            return self.sql
        return self.named(self.sql, "digest" if self.digests else "'' AS digest")

    @model_validator(mode="after")
    def _one_way(self) -> StoredDescription:
        ways = [name for name in ("sql", "listed", "read") if getattr(self, name) is not None]
        if len(ways) != 1:
            mend = "give sql = 'SELECT id, digest FROM ...', or listed = { path = ..., each = ... }, or read = NAME"
            raise wrong(f"give exactly one way to list what is stored, not {len(ways)}", mend)
        if self.listed is not None and self.digests and not self.listed.shows_bodies:
            mend = "put (?P<digest>...) or (?P<body>...) into each where the body is shown, or write digests = false"
            raise wrong("`each` of listed finds no body, and digests is not false", mend)
        return self
