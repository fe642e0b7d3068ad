"""What a service's log must contain: a line for each answer of a kind, no such line for others, and times."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat

from harness.documents import Expression, Table, Text, wrong
from harness.target.sections.outcomes import ExpressionWithTime, OutcomeName
from harness.target.sections.series import Series


def _expression_with_id(text: str) -> str:
    if "id" not in re.compile(text).groupindex:
        raise wrong("has no group named id", "put (?P<id>...) around the delivery's id")
    return text


def _expression_with_kind(text: str) -> str:
    if "kind" not in re.compile(text).groupindex:
        raise wrong("has no group named kind", "put (?P<kind>...) around the part that gives the text's kind")
    return text


ExpressionWithId = Annotated[Expression, AfterValidator(_expression_with_id)]
ExpressionWithKind = Annotated[Expression, AfterValidator(_expression_with_kind)]


class LineFields(Table):
    """What the fields of a log line mean, so that its lines can be compared with the approved ones in `said.toml`.

    A line is a JSON object, or `key=value` pairs with blanks between; `line` reads any other format. Lines with the
    same event, level and reason have one form.
    """

    event: Text
    """The field that says what happened."""
    level: Text | None = None
    """The field that says how serious that is."""
    reason: Text | None = None
    """The field that says why."""
    id: Text | None = None
    """The field with the id of the delivery that the line is about."""
    source: Text | None = None
    """The field that says whose delivery that is."""
    free: tuple[Text, ...] = Field(default=())
    """Fields that may have any text, such as the time. In other fields, if the text is always one of a few, each is
    approved word for word.
    """
    kinds: dict[Text, ExpressionWithKind] = Field(default={})
    """For a field with free text: an expression whose group `kind` finds one of a few words, such as an exception's
    name.
    """
    line: Expression | None = None
    """Finds the fields of a line in any other format. The groups have the names of the fields."""


class CountedDescription(Table):
    """Which lines of the log a counter counts, so that both can be compared."""

    events: tuple[Text, ...] = Field(min_length=1)
    """The events of these lines; see `[log.fields]`."""
    by: Text | None = None
    """The label of the counter, which is also the field of the lines: their values must agree. Without this key all
    lines count."""
    where: dict[Text, Text] = Field(default={})
    """Only lines with these values of fields count."""


class BlamesDescription(Table):
    """Which lines of the log say that a link's server has failed the service.

    In a run in which no fault touches that server, no line may say so.
    """

    events: tuple[Text, ...] = Field(min_length=1)
    """The events of these lines; see `[log.fields]`."""
    reasons: tuple[Text, ...] = Field(default=())
    """Only lines with one of these reasons; by default with any."""
    but: Expression | None = None
    """A line that contains this does not blame the server: a time-out, for example, which a busy machine may cause."""


class LogDescription(Table):
    """What the log must report about answers, so that an operator finds each. `unhandled` finds exceptions."""

    tells: dict[OutcomeName, ExpressionWithId] = Field(default={})
    """Finds a line that reports such an answer. Its group `id` finds the delivery, and an optional group `source` its
    sender. Each such answer needs one line, and no other answer may have one."""
    errors: bool = Field(default=False, strict=True)
    """If a server answers an error for a delivery, a line must name the delivery, with the error's code or its text.
    Without this key, errors that no line mentions are shown, but not judged."""
    in_other_words: dict[str, str] = Field(default={})
    """The driver's own text for an error, by the error's code. Only letters and digits are compared."""
    dated: ExpressionWithTime | None = None
    """Finds the group `time` in each line: when it was written, in ISO 8601 with its time zone, or in seconds. It must
    be within the run.
    """
    lines_per_request: PositiveFloat | None = None
    """How many lines it may write on average for each request, in a run of fifty requests or more: a lasting failure
    must not fill a disk.
    """
    fields: LineFields | None = None
    """See [log.fields]."""
    counted: dict[Series, CountedDescription] = Field(default={})
    """See [log.counted.SERIES]."""
    blames: dict[Text, BlamesDescription] = Field(default={})
    """See [log.blames.LINK]."""
