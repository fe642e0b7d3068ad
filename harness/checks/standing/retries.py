"""Checks retries, from what the relay saw: capped, spaced, and none after an error that does not go away.

A try certainly belongs to a request if its statement names that request's delivery, or if no other request was open
when it was sent. If several requests for one delivery were open, only the number of all their tries is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.facts.exchanges import Exchange, exchanges, several
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import RunBegan, SentAgain, TriesCounted, TryMade

PAUSES_AT_LEAST = 20
"""Fewer pauses say little about their mean: a pause with full jitter may be almost zero."""
SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Tried:
    """The tries of one statement that belong to `requests` requests for the same delivery."""

    told: SentAgain
    tries: Sequence[TryMade]
    requests: int
    more: int = 0

    @property
    def count(self) -> int:
        """How many tries failed, or came at once after a failed one."""
        return sum(1 for at, each in enumerate(self.tries) if each.failed or self._is_retry(at)) + self.more

    @property
    def retries(self) -> Sequence[int]:
        """When it was sent again after it had failed."""
        return [each.t_ns for at, each in enumerate(self.tries) if self._is_retry(at)]

    @property
    def pauses_ms(self) -> Sequence[float]:
        """How long after the one before each retry was sent, without the first."""
        if self.requests > 1:
            return []
        gaps = [(each.t_ns - self.tries[at - 1].t_ns) / 1e6 for at, each in enumerate(self.tries) if self._is_retry(at)]
        return gaps[1:]

    @property
    def in_vain(self) -> TryMade | None:
        """A try with a final error after which a request still tried again."""
        finals = [at for at, each in enumerate(self.tries) if each.final]
        if self.requests == 1:
            return self.tries[finals[0]] if finals and finals[0] + 1 < len(self.tries) else None
        return self.tries[finals[-1]] if len(finals) > self.requests else None

    def story(self, of: str) -> str:
        """The statement, its link, and how each try ended."""
        answers = ", ".join(each.answer or "open" for each in self.tries[:5])
        return f"{self.told.statement!r} on {self.told.link} for {of} ({answers}{', ...' if self.count > 5 else ''})"

    def _is_retry(self, at: int) -> bool:
        return at > 0 and self.tries[at - 1].failed


@dataclass(frozen=True, slots=True)
class _Group:
    """Requests for one delivery that were open without a gap: since when, and how many."""

    began_ns: int
    ended_ns: int
    requests: int


def _tried(history: History) -> Sequence[_Tried]:
    """All statements that named their delivery and were sent again, for each request, or each group of requests."""
    groups = _groups(history)
    found: list[_Tried] = []
    for told in history.of(SentAgain):
        if told.delivery:
            found += _for_each(told, groups.get(told.delivery, ()))
    return found


def _for_each(told: SentAgain, groups: Sequence[_Group]) -> Iterator[_Tried]:
    for at, group in enumerate(groups):
        until = groups[at + 1].began_ns if at + 1 < len(groups) else None
        tries = [each for each in told.tries if group.began_ns <= each.t_ns and (until is None or each.t_ns < until)]
        if any(each.failed for each in tries[:-1]):
            # Entries that are not listed came after the last listed one.
            yield _Tried(told, tries, group.requests, told.more if told.tries[-1] in tries else 0)


def _groups(history: History) -> dict[str, list[_Group]]:
    """By the delivery's id, for any source."""
    found: dict[str, list[_Group]] = {}
    for each in sorted(exchanges(history), key=lambda e: e.span[0]):
        if not each.sent.delivery:
            continue
        began_ns, ended_ns = each.span[0], _over(each, history)
        groups = found.setdefault(each.sent.delivery_id, [])
        if groups and began_ns <= groups[-1].ended_ns:
            last = groups.pop()
            groups.append(_Group(last.began_ns, max(last.ended_ns, ended_ns), last.requests + 1))
        else:
            groups.append(_Group(began_ns, ended_ns, 1))
    return found


def _over(exchange: Exchange, history: History) -> int:
    """When the service has certainly finished a request: after its deadline, if the client left before its answer."""
    if exchange.ended is not None and exchange.ended.status is not None:
        return exchange.span[1]
    began = history.last(RunBegan)
    return exchange.span[1] + int(((began.deadline_ms if began else None) or 0.0) * 1e6)


def _unnamed(history: History) -> Iterator[tuple[_Tried, str]]:
    """Statements that failed, named no delivery, and must belong to the only open request.

    If the service also sends a statement while no request is open, it is background work.
    """
    unnamed = [told for told in history.of(SentAgain) if not told.delivery]
    spans = [(e.span[0], _over(e, history), e) for e in exchanges(history)] if unnamed else []
    for told in unnamed:
        alone: dict[int, tuple[Exchange, list[TryMade]]] = {}
        of_its_own = False
        for each in told.tries:
            there = [e for began, ended, e in spans if began <= each.t_ns <= ended]
            of_its_own |= not there
            if len(there) == 1:
                alone.setdefault(there[0].sent.request, (there[0], []))[1].append(each)
        if not of_its_own:
            yield from ((_Tried(told, tries, 1), e.name) for e, tries in alone.values())


@check(Kind.LIVENESS, says="1 of 1: for was sent 1 times, at most 1 times")
def retries_capped(history: History) -> Examined:
    """A statement that fails is not sent more often, for one request and in one second, than the target allows."""
    counted = {each.link: each for each in history.of(TriesCounted)}
    tried = [each for each in _tried(history) if each.told.link in counted]
    over = [each for each in tried if each.count > counted[each.told.link].tries_at_most * each.requests]
    stories = [
        f"{each.story(each.told.delivery)} was sent {each.count} times"
        f"{f' for {each.requests} requests' if each.requests > 1 else ''},"
        f" at most {counted[each.told.link].tries_at_most * each.requests}"
        for each in over
    ]
    peaks = _peaks(tried)
    stories += [
        f"{statement!r} on {link} was sent again {peak} times in one second, at most {limit}"
        for (link, statement), peak in peaks.items()
        if (limit := counted[link].retries_per_s) is not None and peak > limit
    ]
    statements, failed = (sum(getattr(each, of) for each in counted.values()) for of in ("statements", "failed"))
    left_out = sum(each.left_out for each in counted.values())
    return Examined(
        problem=several(stories, len(tried)) if stories else "",
        saw=f"{statements} statements for deliveries, {failed} failed, {len(tried)} of them sent again, "
        f"{max((each.count for each in tried), default=0)} times at most; "
        f"in the worst second {max(peaks.values(), default=0)} again"
        f"{f'; {left_out} not examined' if left_out else ''}",
        observations=failed,
        deliveries=tuple(dict.fromkeys(each.told.delivery for each in over)),
    )


def _peaks(tried: Sequence[_Tried]) -> dict[tuple[str, str], int]:
    """How often each statement was sent again in its worst second, by link and statement."""
    times: dict[tuple[str, str], list[int]] = {}
    for each in tried:
        times.setdefault((each.told.link, each.told.statement), []).extend(each.retries)
    return {key: _most_in_a_second(sorted(found)) for key, found in times.items()}


def _most_in_a_second(times: Sequence[int]) -> int:
    first = most = 0
    for last, t_ns in enumerate(times):
        while t_ns - times[first] >= SECOND_NS:
            first += 1
        most = max(most, last - first + 1)
    return most


@check(Kind.LIVENESS, says="on: ms on average before sent again, at least ms")
def retries_spaced(history: History) -> Examined:
    """Before each retry of a statement but the first, the service waits as long as the target says, on average.

    A run with fewer than 20 such pauses is not judged.
    """
    counted = {each.link: each for each in history.of(TriesCounted) if each.mean_pause_ms is not None}
    pauses: dict[str, list[float]] = {link: [] for link in counted}
    for each in _tried(history):
        if each.told.link in pauses:
            pauses[each.told.link] += each.pauses_ms
    judged = {link: found for link, found in pauses.items() if len(found) >= PAUSES_AT_LEAST}
    means = {link: sum(found) / len(found) for link, found in judged.items()}
    stories = [
        f"on {link}: {mean:.1f} ms on average before it was sent again, at least {counted[link].mean_pause_ms:g} ms"
        for link, mean in means.items()
        if mean < (counted[link].mean_pause_ms or 0.0)
    ]
    saw = "; ".join(f"{len(judged[link])} pauses on {link}, {mean:.1f} ms on average" for link, mean in means.items())
    return Examined(
        problem="; ".join(stories),
        saw=saw or f"fewer than {PAUSES_AT_LEAST} pauses on any link",
        observations=sum(map(len, judged.values())),
    )


@check(Kind.LIVENESS, says="1 of 1: for was sent again after , a final error")
def final_errors_end_it(history: History) -> Examined:
    """After an error that does not go away, such as a violated constraint, a statement is not sent again."""
    named = [(each, each.told.delivery) for each in _tried(history)]
    tried = [*named, *_unnamed(history)]
    found = [(each, of, last) for each, of in tried if (last := each.in_vain) is not None]
    stories = [f"{each.story(of)} was sent again after {last.answer}, a final error" for each, of, last in found]
    failed = sum(each.failed for each in history.of(TriesCounted))
    return Examined(
        problem=several(stories, len(tried)) if stories else "",
        saw=f"{failed} statements failed, {len(tried)} were sent again",
        observations=failed,
        deliveries=tuple(dict.fromkeys(of for _, of, _ in found)),
    )
