"""What a service's log must contain: a line for each answer of a kind and none for others, with times."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat

from harness.documents import Expression, Table, Text, wrong
from harness.target.sections.outcomes import ExpressionWithTime, OutcomeName
from harness.target.sections.series import Series


def _expression_with_id(text: str) -> str:
    if "id" not in re.compile(text).groupindex:
        raise wrong("has no group named id", "put (?P<id>...) where the delivery's id stands")
    return text


def _expression_with_kind(text: str) -> str:
    if "kind" not in re.compile(text).groupindex:
        raise wrong("has no group named kind", "put (?P<kind>...) around what says of which kind the text is")
    return text


ExpressionWithId = Annotated[Expression, AfterValidator(_expression_with_id)]
ExpressionWithKind = Annotated[Expression, AfterValidator(_expression_with_kind)]


class LineFields(Table):
    """What the fields of a log's line mean, so that its lines can be compared with approved ones, in `said.toml`.

    A line is a JSON object, or `key=value` with blanks between; one of another form is read by `line`. Lines that have
    their event, their level and their reason in common are of one form.
    """

    event: Text
    """The field that says what happened."""
    level: Text | None = None
    """The field that says how bad that is."""
    reason: Text | None = None
    """The field that says why."""
    id: Text | None = None
    """The field with the id of the delivery that the line is about."""
    source: Text | None = None
    """The field that says whose delivery that is."""
    free: tuple[Text, ...] = Field(default=())
    """Fields in which any text may stand, such as the time. Of the others a text that is always one of few is approved
    word for word."""
    kinds: dict[Text, ExpressionWithKind] = Field(default={})
    """For a field with a free text: finds in the group `kind` what is one of few, such as the name of an exception."""
    line: Expression | None = None
    """Finds the fields of a line that is neither: the groups' names are theirs."""


class CountedDescription(Table):
    """Which lines of the log a counter counts, since both tell of the same."""

    events: tuple[Text, ...] = Field(min_length=1)
    """The events of these lines; see `[log.fields]`."""
    by: Text | None = None
    """The label of the counter, and the field of the lines, whose values agree. Without it all lines count."""
    where: dict[Text, Text] = Field(default={})
    """Only lines with these values of fields count."""


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
    fields: LineFields | None = None
    """See [log.fields]."""
    counted: dict[Series, CountedDescription] = Field(default={})
    """See [log.counted.SERIES]."""
