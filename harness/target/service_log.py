"""What a service's log must tell: a line for each answer of a kind, and none for others."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from harness.documents import Expression, Table, wrong
from harness.target.outcomes import OutcomeName


def _expression_with_id(text: str) -> str:
    if "id" not in re.compile(text).groupindex:
        raise wrong("has no group named id", "put (?P<id>...) where the delivery's id stands")
    return text


ExpressionWithId = Annotated[Expression, AfterValidator(_expression_with_id)]


class LogDescription(Table):
    """What the log must tell of answers, so that an operator finds each. An exception is told by `unhandled`."""

    tells: dict[OutcomeName, ExpressionWithId] = Field(default={})
    """Finds, in a line, that a delivery was answered so, and in the group `id` which one; perhaps in `source` whose.
    Each such answer needs one line, and there is none for another."""
