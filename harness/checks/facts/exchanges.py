"""Pairs each request with its end, for the checks."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.checks.clock import Late, Span, ms_of
from harness.history import History
from harness.history.events import Asks, Purpose, RequestEnded, RequestSent, RunBegan, StepBegan, StepEnded
from harness.vocabulary import CONFIRMED, FINAL_NO, REFUSED, THROTTLED, UNKNOWN, Outcome

Subject = tuple[str, bool]
"""A delivery's name, and whether it was read or delivered. Two answers about one subject must be equal."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request. `ended` is None if the run ended first. `span`: the time in which it was open."""

    sent: RequestSent
    ended: RequestEnded | None
    span: Span = (0, 0)

    @property
    def outcome(self) -> Outcome:
        """Unknown if the request has no end."""
        return UNKNOWN if self.ended is None else self.ended.outcome

    @property
    def subject(self) -> Subject:
        """The delivery that the request was about."""
        return self.sent.delivery, self.sent.reads

    @property
    def name(self) -> str:
        """The request in words: the delivery, and the kind of request if it was not a plain delivery."""
        if self.sent.delivers:
            return f"{self.sent.delivery} ({self.sent.name})" if self.sent.name else self.sent.delivery
        words = _WORDS.get(Asks(self.sent.asks), "{name} {delivery}")
        return words.format(name=self.sent.name, delivery=self.sent.delivery).strip()

    @property
    def of_delivery(self) -> bool:
        """Whether it sent or read a valid delivery; other requests do not affect what is stored or promised."""
        return self.sent.delivers or self.sent.reads

    @property
    def judged(self) -> bool:
        """Whether a step of the scenario sent it."""
        return self.sent.purpose == Purpose.SCENARIO

    @property
    def waited(self) -> bool:
        """Whether its answer, if there was one, came so late that the service may have waited for something."""
        return self.ended is not None and self.ended.took_ms >= AT_ONCE_MS

    @property
    def lost_patience(self) -> bool:
        """Whether its client hung up because its patience was over. Its outcome is then unknown to the sender."""
        return self.sent.patience_ms is not None and self.ended is not None and self.ended.hung_up_at is not None

    @property
    def gives_up(self) -> bool:
        """Whether the sender of a valid delivery got a final no that its step does not expect."""
        expected = self.sent.expected if self.judged else None
        return (
            self.sent.delivers and self.outcome in FINAL_NO and not (expected is not None and self.outcome in expected)
        )

    def late_by_ms(self, limit_ms: float) -> float:
        """By how much its answer missed this limit; infinite if no answer came."""
        if self.ended is None or self.ended.status is None:
            return math.inf
        return self.ended.took_ms - limit_ms

    @property
    def end(self) -> str:
        """What it shares with requests that ended in the same way: the outcome and the status."""
        if self.ended is None:
            return "never ended"
        status = "no answer" if self.ended.status is None else f"status {self.ended.status}"
        return f"{self.outcome}, {status}"

    def story(self) -> str:
        """Describe how it ended."""
        if self.ended is None:
            return "never ended"
        words = [str(self.outcome)]
        if self.ended.status is not None:
            words.append(f"status {self.ended.status}")
        if self.ended.problem:
            words.append(self.ended.problem)
        if self.ended.status is not None and self.ended.outcome != _acknowledged:
            words.append(self.ended.answer[:200])
        return f"{', '.join(words)} after {self.ended.took_ms / 1e3:.2f} s{self.waiting()}"

    def waiting(self) -> str:
        """Return `, waiting for postgres` if that was seen, otherwise nothing."""
        links = self.ended.waiting_for if self.ended else ()
        return f", waiting for {' and '.join(links)}" if links else ""


_WORDS: Mapping[Asks, str] = {
    Asks.READ: "reading {delivery}",
    Asks.READ_UNSENT: "reading {delivery}, which had not been sent",
    Asks.TAKEN: "another body under {delivery}",
    Asks.CHANGE: "{name} of {delivery}",
    Asks.READ_CHANGED: "reading {delivery}",
    Asks.WRONG: "{name}, which must be rejected",
    Asks.HEALTH: "{name}",
}
_acknowledged = Outcome.ACKNOWLEDGED
_NOT_KNOWN = REFUSED | UNKNOWN
_FOR_NOW = REFUSED | THROTTLED
AT_ONCE_MS = 100
"""A service that refuses sooner than this has waited for nothing, so a slow machine is not the reason."""
OWN_LIMIT_MS = 500
"""A refusal after at least this time may come from a time-out of the service, which has half a second or more."""
AGAIN_MAX = 60
"""At most this many deliveries are sent again. If there are more, they are chosen evenly."""
REFUSED_AGAIN_MAX = 8
"""At most this many refused deliveries are sent again, too. An outage refuses very many, all in the same way."""


def exchanges(history: History) -> Sequence[Exchange]:
    """All requests, in the order in which they were sent."""
    return history.once(_exchanges)


def _exchanges(history: History) -> Sequence[Exchange]:
    over_ns = history.entries[-1].t_ns if history.entries else 0
    ends = {entry.event.request: entry for entry in history.entries if isinstance(entry.event, RequestEnded)}
    found: list[Exchange] = []
    for entry in history.entries:
        if isinstance(entry.event, RequestSent):
            end = ends.get(entry.event.request)
            ended = end.event if end is not None and isinstance(end.event, RequestEnded) else None
            found.append(Exchange(entry.event, ended, (entry.t_ns, over_ns if end is None else end.t_ns)))
    return found


def by_subject(history: History) -> Mapping[Subject, Sequence[Exchange]]:
    """All requests about each subject, if they sent or read a valid delivery."""
    return history.once(_by_subject)


def _by_subject(history: History) -> Mapping[Subject, Sequence[Exchange]]:
    found: dict[Subject, list[Exchange]] = {}
    for exchange in exchanges(history):
        if exchange.of_delivery:
            found.setdefault(exchange.subject, []).append(exchange)
    return found


def changed_deliveries(history: History) -> frozenset[str]:
    """The deliveries that a request changed or removed, or tried to. A separate check judges their rows."""
    return history.once(_changed)


def _changed(history: History) -> frozenset[str]:
    return frozenset(sent.delivery for sent in history.of(RequestSent) if sent.asks == Asks.CHANGE)


def by_delivery(history: History) -> Mapping[str, Sequence[Exchange]]:
    """All requests that sent each delivery; reads are left out."""
    return {delivery: found for (delivery, reads), found in by_subject(history).items() if not reads}


def was_refused(sent: Sequence[Exchange]) -> bool:
    """Whether the service itself always refused this delivery for now, so that its sender sends it again later.

    A client without a connection got no answer from the service, which never saw the delivery.
    """
    told = any(e.outcome in REFUSED and e.ended is not None and e.ended.status is not None for e in sent)
    return told and all(e.sent.delivers and e.outcome in _FOR_NOW for e in sent)


def evenly(found: Sequence[Exchange], at_most: int) -> Sequence[Exchange]:
    """`most` of these, evenly chosen from the first to the last."""
    kept = min(len(found), at_most)
    return [found[place * len(found) // kept] for place in range(kept)]


def acknowledged_by_steps(history: History) -> Sequence[Subject]:
    """Deliveries of the scenario that were acknowledged before any delivery was sent again, and were not changed."""
    found, changed = by_subject(history), changed_deliveries(history)
    there = {subject: sent for subject, sent in found.items() if subject[0] not in changed}
    return [subject for subject, sent in there.items() if any(e.judged and e.outcome in CONFIRMED for e in sent)]


def sent_again(history: History) -> Collection[Subject]:
    """Requests that were sent or read again, without those for refused deliveries."""
    found = by_subject(history).items()
    return {subject for subject, sent in found if _is_again(sent[-1]) and not was_refused(_before_again(sent))}


def refused_and_sent_again(history: History) -> Sequence[Exchange]:
    """The requests that sent again deliveries that had always been refused."""
    found = by_subject(history).values()
    return [sent[-1] for sent in found if _is_again(sent[-1]) and was_refused(_before_again(sent))]


def _is_again(exchange: Exchange) -> bool:
    return exchange.sent.purpose == Purpose.AGAIN


def _before_again(sent: Sequence[Exchange]) -> Sequence[Exchange]:
    return [e for e in sent if not _is_again(e)]


def deadline_ms_of(history: History) -> float:
    """The deadline of each request; infinite if the target has none."""
    began = history.last(RunBegan)
    return began.deadline_ms if began and began.deadline_ms is not None else math.inf


def by_the_clock(history: History, wrong: Sequence[Exchange]) -> Sequence[Late]:
    """The spans of these requests, if their only fault is that something took too long for a client or the service.

    Either a client had no answer by its deadline, or the service reached a limit of its own and said "not now" or "I do
    not know". None if one of them is wrong in another way, for example by a quick answer or an ended connection. Times
    in which the scenario waited on purpose do not count.
    """
    deadline_ms, pauses = deadline_ms_of(history), _pauses(history)
    late = [e for e in wrong if _ran_out_of_time(e, deadline_ms)]
    if len(late) < len(wrong):
        return ()
    return [Late(e.span, ms_of(e.span) - sum(_within(pause, e.span) for pause in pauses)) for e in late]


def _pauses(history: History) -> Sequence[Span]:
    began = {step.number: entry.t_ns for entry, step in history.placed(StepBegan) if step.step.kind == "wait"}
    ended = {step.number: entry.t_ns for entry, step in history.placed(StepEnded)}
    return [(t_ns, ended[number]) for number, t_ns in began.items() if number in ended]


def _within(pause: Span, span: Span) -> float:
    return max(0.0, ms_of((max(pause[0], span[0]), min(pause[1], span[1]))))


def _ran_out_of_time(exchange: Exchange, deadline_ms: float) -> bool:
    ended = exchange.ended
    if ended is None:
        return False
    if ended.status is None:
        return ended.took_ms > deadline_ms
    return exchange.outcome in _NOT_KNOWN and ended.took_ms >= OWN_LIMIT_MS


def several(stories: Sequence[str], of: int) -> str:
    """The first story, and how many more there are."""
    more = f" (and {len(stories) - 1} more)" if len(stories) > 1 else ""
    return f"{len(stories)} of {of}: {stories[0]}{more}"
