"""The actions on a message, and where they make no sense: each exclusion with its reason.

A wire fault's class says what a sweep does with it (`swept`), or why a sweep leaves it out (`not_swept`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from harness.faults.messages.message import Closing, MessageFault
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import SEARCHED, Exclusion, Placed, Searched
from harness.search.recording.places import CUT_INSIDE, Kind, Point
from harness.search.recording.recording import Observed

FAULTS: Sequence[type[MessageFault]] = tuple(MessageFault.kinds().values())


def _swept(faults: Iterable[type[MessageFault]]) -> tuple[str, ...]:
    return tuple(name for fault in faults for name in fault.swept)


CLOSING = _swept(fault for fault in FAULTS if issubclass(fault, Closing))
APART = _swept(fault for fault in FAULTS if fault.garbles)
"""No service can survive these unharmed. The question is whether it notices, so they are judged separately."""
WAITING = tuple(name for name in _swept(FAULTS) if name not in (*CLOSING, *APART))


def error_action(error: ServerError) -> str:
    """Return the name of the action that replaces an answer by a server error: `error_40001`, `fatal_57P01`."""
    return f"{'fatal' if error.fatal else 'error'}_{error.code}"


def _words(errors: Iterable[ServerError]) -> tuple[str, ...]:
    return tuple(map(error_action, errors))


ERRORS: Mapping[str, ServerError] = {
    error_action(error): error
    for searched in SEARCHED.all().values()
    for error in (*searched.errors, *searched.refusals)
}
ACTIONS: tuple[str, ...] = (*CLOSING, *WAITING, *ERRORS, *APART)
"""All actions, in the order of the map's columns. Cuts inside a message count separately."""
ON_DEMAND = tuple(name for fault in FAULTS for name in fault.swept_on_demand)
"""Not part of the fault space: a sweep tries these only if asked to."""
CROWD = "crowd"
"""Many deliveries at once, each with this message late. Not part of the fault space: only one message has it."""
CROWDED: Sequence[Kind] = ("fresh", "warm")
HANGING_UP = _swept(fault for fault in FAULTS if fault.hangs_up)


def _sent(message: Placed) -> bool:
    return message.place.direction == "sent"


EXCLUSIONS: Sequence[Exclusion] = (
    *(
        Exclusion((fault.acts.kind,), "every message", fault.not_swept, lambda _: True)
        for fault in sorted(FAULTS, key=lambda fault: fault.kind)
        if fault.not_swept
    ),
    Exclusion(
        ("late",), "sent messages", "only an answer can come late enough to meet the next request", _sent,
    ),
    Exclusion(
        ("cut_after", "reset_after"), "a message that is neither sent nor the last of an answer",
        "the next message's cut_before is the same moment", lambda each: not _sent(each) and not each.ends_answer,
    ),
)  # fmt: skip
"""Exclusions for every protocol."""


def _exclusions_of(protocol: str, searched: Searched) -> Iterator[Exclusion]:
    yield from searched.exclusions
    if searched.errors:
        yield Exclusion(
            _words(searched.errors), f"messages of {protocol} that run no statement",
            "a server's error takes the place of a statement's answer", lambda each: not each.runs,
        )  # fmt: skip
    if searched.refusals:
        yield Exclusion(
            _words(searched.refusals), f"messages of {protocol} but {searched.opens}",
            "these errors refuse a new session", lambda each: each.place.message != searched.opens,
        )  # fmt: skip


EXCLUSIONS_OF: Mapping[str, Sequence[Exclusion]] = {
    protocol: tuple(_exclusions_of(protocol, searched)) for protocol, searched in SEARCHED.all().items()
}
"""Exclusions for the messages of one protocol."""


def actions_of(protocol: str) -> Sequence[str]:
    """Return the actions for a protocol. Errors of other protocols' servers are left out."""
    searched = SEARCHED.of(protocol)
    return (*CLOSING, *WAITING, *_words((*searched.errors, *searched.refusals)), *APART)


def exclusions_of(protocols: Collection[str]) -> Iterator[Exclusion]:
    """Yield the exclusions for every protocol and for these protocols, in the order of the committed file."""
    yield from EXCLUSIONS
    for protocol, exclusions in EXCLUSIONS_OF.items():
        if protocol in protocols:
            yield from exclusions


def excluded_by(message: Observed, action: str) -> Exclusion | None:
    """Return the exclusion that keeps this action from this message, if one does."""
    exclusions = exclusions_of((message.place.protocol,))
    return next((each for each in exclusions if action in each.actions and each.applies(message)), None)


def sensible(message: Observed) -> Iterator[Point]:
    """Yield every point of the fault space at this message."""
    for action in actions_of(message.place.protocol):
        if excluded_by(message, action) is None:
            yield Point(message.place, action)


def on_demand(messages: Sequence[Observed], action: str) -> Iterator[Point]:
    """Yield a point with such an action at the first message of each statement, each phase and each direction."""
    known: set[tuple[str, str, str, str]] = set()
    for message in messages:
        place = message.place
        statement = (place.protocol, place.direction, place.phase, place.text)
        if statement not in known:
            known.add(statement)
            yield Point(place, action)


def crowded(messages: Sequence[Observed]) -> Iterator[Point]:
    """Yield the one point at which a crowd is delayed: the answer to the COMMIT, or otherwise the last answer."""
    answers = [each for each in messages if each.place.direction == "answered"]
    commits = [each for each in answers if each.place.phase == "commit"]
    yield from (Point(each.place, CROWD) for each in (*commits[:1], *answers[-1:])[:1])


def inside(message: Observed) -> Iterator[Point]:
    """Yield a cut after each byte of the message except the last: that is `cut_after`, and no byte is `cut_before`."""
    for count in range(1, message.length):
        yield Point(message.place, f"{CUT_INSIDE}{count}")


def is_apart(point: Point) -> bool:
    """Whether the point is judged separately."""
    place = point.place
    return point.action in APART or (point.action == "drop" and SEARCHED.of(place.protocol).is_part(place))
