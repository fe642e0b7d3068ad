"""Which answers mean which outcome, and what such an answer must carry."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.documents import Expression, Table, wrong
from harness.vocabulary import ABSENT, REJECTED, UNKNOWN, Outcome


def _status_class(text: str) -> str:
    if not re.fullmatch(r"[1-5]([0-9]{2}|xx)", text):
        raise wrong("not a status", "write three digits, such as 503, or a class, such as 2xx")
    return text


Status = Annotated[str, AfterValidator(_status_class)]
OutcomeName: TypeAlias = Literal[
    "acknowledged", "already", "conflict", "rejected", "absent", "refused", "throttled", "unknown"
]
KEEP_THEIR_DEFAULT = ("acknowledged", "absent")
"""They keep their statuses even if another outcome has them: without "acknowledged" nothing would be stored, and a 404
may mean one thing for a read and another for a delivery."""
HeaderName = Annotated[str, AfterValidator(str.lower)]
Headers: TypeAlias = Sequence[tuple[str, str]]
"""An answer's headers, their names in lower case."""


def _expression_with_time(text: str) -> str:
    if "time" not in re.compile(text).groupindex:
        raise wrong("has no group named time", "put (?P<time>...) around the time")
    return text


ExpressionWithTime = Annotated[Expression, AfterValidator(_expression_with_time)]


def _any_value(carries: object) -> object:
    return dict.fromkeys(carries, "") if isinstance(carries, list) else carries


def outcome_of(name: OutcomeName) -> Outcome:
    """The outcome with that name."""
    return Outcome[name.upper()]


class OutcomeDescription(Table):
    """The answers that mean one outcome.

    If several descriptions fit an answer, the narrowest one counts: one with an expression outranks one without, and a
    status outranks its class.
    """

    status: list[Status] = Field(min_length=1)
    """Statuses such as `503`, or classes such as `2xx`."""
    headers: dict[HeaderName, Expression] = Field(default={})
    """Only answers with these headers: names, and an expression that finds the value."""
    body: Expression | None = None
    """Only answers whose body this expression finds."""
    carries: Annotated[dict[HeaderName, Expression], BeforeValidator(_any_value)] = Field(default={})
    """Headers that each such answer must have, and an expression that finds the value. A list of names checks no
    values. For example, a refusal owes its sender `retry-after`.
    """
    says: Expression | None = None
    """An expression that must be found in the body of each such answer, for example a code that programs evaluate. In
    it `{source}`, `{id}`, `{digest}` and `{size}` stand for the values of the request's delivery, and `{first_digest}`
    for the digest of the first body under its id."""
    hides: Expression | None = None
    """An expression that must not be found in the body of any such answer: internal details, such as the name of an
    exception, or an address.
    """
    dated: ExpressionWithTime | None = None
    """Finds the group `time` in the body of each such answer: when the delivery was stored, in ISO 8601 or in seconds.
    This time must be after it was first sent, and before the answer came."""

    @property
    def is_plain(self) -> bool:
        """Whether a status alone makes an answer mean this."""
        return not self.headers and self.body is None

    def rank(self, status: int, headers: Headers, body: str) -> int:
        """How narrowly it fits an answer; 0 if it does not fit."""
        fits = [2] if str(status) in self.status else [1] if f"{status // 100}xx" in self.status else []
        if not fits or not self._fits(headers, body):
            return 0
        return fits[0] + 4 * (len(self.headers) + (self.body is not None))

    def _fits(self, headers: Headers, body: str) -> bool:
        if self.body is not None and re.search(self.body, body) is None:
            return False
        return all(
            any(name == wanted and re.search(pattern, value) for name, value in headers)
            for wanted, pattern in self.headers.items()
        )


class OutcomesDescription(Table):
    """Which answers mean which outcome. An answer that fits none is unknown.

    An outcome that you leave out keeps its default, except for statuses that you give to another outcome.
    """

    acknowledged: OutcomeDescription = OutcomeDescription(status=["2xx"])
    """The delivery is stored. For a read: it was found."""
    already: OutcomeDescription | None = None
    """It was stored before. Without this table, a repeat must be acknowledged like the first request."""
    conflict: OutcomeDescription = OutcomeDescription(status=["409"])
    """Another body is stored under this id."""
    rejected: OutcomeDescription = OutcomeDescription(status=["4xx"])
    """Final: this request is wrong. Do not send it again."""
    absent: OutcomeDescription = OutcomeDescription(status=["404", "410"])
    """For a read: nothing is stored under this id. For any other request the same answer is a rejection."""
    refused: OutcomeDescription = OutcomeDescription(status=["503"])
    """Nothing is stored now. Send it again."""
    throttled: OutcomeDescription = OutcomeDescription(status=["429"])
    """The sender sends too much. Nothing is stored."""
    unknown: OutcomeDescription | None = None
    """It may or may not be stored. Every answer that fits nothing else means this, too."""

    @property
    def described(self) -> Mapping[OutcomeName, OutcomeDescription]:
        """The descriptions that there are, by the outcome's name."""
        names: Sequence[OutcomeName] = (
            "acknowledged", "already", "conflict", "rejected", "absent", "refused", "throttled", "unknown"
        )  # fmt: skip
        found: dict[OutcomeName, OutcomeDescription | None] = {name: self._of(name) for name in names}
        return {name: each for name, each in found.items() if each is not None}

    def _of(self, name: OutcomeName) -> OutcomeDescription | None:
        """The file's description of an outcome, or its default without the statuses that the file gives to another."""
        found: OutcomeDescription | None = getattr(self, name)
        if found is None or name in self.model_fields_set or name in KEEP_THEIR_DEFAULT:
            return found
        given = [getattr(self, other) for other in self.model_fields_set - {"absent"}]
        taken = {status for each in given if each is not None and each.is_plain for status in each.status}
        left = [status for status in found.status if status not in taken]
        return found.model_copy(update={"status": left}) if left else None

    @model_validator(mode="after")
    def _no_answer_means_two(self) -> OutcomesDescription:
        plain = {name: each for name, each in self.described.items() if each.is_plain}
        meaning: dict[str, str] = {}
        for name, each in plain.items():
            for status in each.status:
                other = meaning.setdefault(status, name)
                # A store never answers "absent", a read never the others of class 4xx.
                if other != name and "absent" not in (other, name):
                    problem = f"{status} means both {other} and {name}"
                    raise wrong(problem, f"take {status} out of one, or tell the two apart by headers or body")
        return self


@dataclass(frozen=True, slots=True)
class Label:
    """What an answer means. `lacks`: what such an answer must carry or say, but this one does not.

    `dated`: when the delivery was stored, according to the answer; empty if it need not say so.
    """

    outcome: Outcome
    lacks: tuple[str, ...] = ()
    dated: str = ""


WORD: Final = re.compile(r"\{(source|id|digest|size|first_digest)\}")
SPECIAL: Final = re.compile(r"[\\.^$*+?{}\[\]|()]")
UNKNOWN_LABEL: Final = Label(UNKNOWN)


class Labels:
    """Labels answers as the description's `[outcomes]` say.

    For example, with the defaults::

        labels.label(503, (), b"").outcome == REFUSED
        labels.label(404, (), b"", reads=True).outcome == ABSENT
    """

    def __init__(self, description: OutcomesDescription) -> None:
        self._described = [(outcome_of(name), each) for name, each in description.described.items()]

    def label(
        self, status: int, headers: Headers, body: bytes, *, reads: bool = False, words: Mapping[str, str] | None = None
    ) -> Label:
        """Return what an answer means. The narrowest description counts; an answer that fits none is unknown.

        `words`: what `{id}` and the other placeholders stand for in the required body; None: anything.
        """
        text = body.decode("utf-8", "replace")
        best, label = 0, UNKNOWN_LABEL
        for outcome, each in self._described:
            rank = each.rank(status, headers, text)
            if rank > best:
                best, label = rank, _labelled(outcome, each, headers, text, words or {})
        if label.outcome == ABSENT and not reads:
            return dataclasses.replace(label, outcome=REJECTED)
        return label


def _labelled(
    outcome: Outcome, described: OutcomeDescription, headers: Headers, body: str, words: Mapping[str, str]
) -> Label:
    lacks = [*lacking(described.carries, headers)]
    if described.says is not None:
        lacks += unsaid(described.says, body, words)
    found = None if described.hides is None else re.search(described.hides, body)
    if found is not None:
        lacks.append(f"silence about {found[0]!r}")
    at = None if described.dated is None else re.search(described.dated, body)
    if described.dated is not None and at is None:
        lacks.append(f"a body like {described.dated}")
    return Label(outcome, tuple(lacks), "" if at is None else at["time"])


def unsaid(says: str, body: str, words: Mapping[str, str]) -> Sequence[str]:
    """What the body of an answer lacks. In the expression `{id}` and the like stand for a word, or for any word."""
    # Compare as text first, if it is plain text: otherwise each delivery would have its own expression to compile.
    if _is_text(says) and WORD.sub(lambda word: words.get(word[1], word[0]), says) in body:
        return []
    wanted = WORD.sub(lambda word: re.escape(words[word[1]]) if word[1] in words else ".*?", says)
    return [] if re.search(wanted, body) else [f"a body like {wanted}"]


@functools.lru_cache(maxsize=64)
def _is_text(says: str) -> bool:
    """Whether an expression is a plain text, apart from its placeholders."""
    return not SPECIAL.search(WORD.sub("", says))


def lacking(carries: Mapping[str, str], headers: Headers) -> Sequence[str]:
    """The headers that an answer lacks. Each name has an expression that finds its value."""
    carried = dict(headers)
    return [lack for each in carries.items() if (lack := _lack(*each, carried))]


def _lack(name: str, expression: str, carried: Mapping[str, str]) -> str:
    if name not in carried:
        return name
    return "" if re.search(expression, carried[name]) else f"{name} like {expression}"
