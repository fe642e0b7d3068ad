"""What else must exist when a delivery is stored, and whether only then."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from harness.documents import Expression, wrong
from harness.target.sections.stored import NamedRows
from harness.target.sections.times import Milliseconds


def _call(text: str) -> str:
    if "id" not in re.compile(text).groupindex:
        raise wrong("has no group named id", "put (?P<id>...) where the request has the delivery's id")
    return text


class EffectDescription(NamedRows):
    """Something that must exist for each stored delivery: a row in an outbox, an entry of an index, or a call.

    It is read with the stored rows, at rest. One of `sql` and `calls` is needed.
    """

    sql: str | None = None
    """Lists the rows, with a column `id`."""
    calls: Annotated[Expression, AfterValidator(_call)] | None = None
    """For a link over HTTP: finds the group `id` in the text of each call: method, path and body, with blanks
    between. Only calls count that the stub has received whole and has answered with a status below 400. A server that
    is given by URL tells no calls, so the harness refuses it here."""
    exists: Literal["exactly", "at least"] = "exactly"
    """`exactly`: once for each stored delivery, and for no other. `at least`: it may also exist more often, and for
    other deliveries."""
    within_ms: Milliseconds | None = None
    """How long after its delivery was stored the effect may still be missing, because a worker makes it later. The
    default is `within_ms` of `[stored]`."""

    @model_validator(mode="after")
    def _one_way(self) -> EffectDescription:
        if (self.sql is None) == (self.calls is None):
            raise wrong("give exactly one of sql and calls", "sql lists rows, calls finds requests to a link over HTTP")
        return self

    @property
    def query(self) -> str:
        """What lists it by the names that histories use, each with an empty digest: SQL, or the expression of calls."""
        return self.calls if self.sql is None and self.calls is not None else self.named(self.sql or "", "'' AS digest")
