"""What a service's log must tell: a line for each answer of a kind, and none for others; when, and how much."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat

from harness.documents import Expression, Table, wrong
from harness.target.sections.outcomes import ExpressionWithTime, OutcomeName


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
    errors: bool = Field(default=False, strict=True)
    """Each delivery for which a server answered an error has a line that names it, with the error's code or its text.
    Without it the errors of which no line tells are shown, not judged."""
    in_other_words: dict[str, str] = Field(default={})
    """What the service's driver says instead of an error's text, by the error's code. Only letters and digits count."""
    dated: ExpressionWithTime | None = None
    """Finds the group `time` in each line: when it was written, in ISO 8601 with its time zone, or in seconds. It lies
    within the run."""
    lines_per_request: PositiveFloat | None = None
    """How many lines it may write on average for each request, in a run of fifty requests or more: a failure that goes
    on must not fill a disk."""
