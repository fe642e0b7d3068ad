"""Compares the messages that the relay has seen with those that a scenario waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.engine.workload.requests import sampled_at_rest, scenario_requests, within
from harness.errors import HarnessError, UsageError
from harness.faults.site import Site
from harness.history import History
from harness.protocols.contract.speech import fingerprint
from harness.relay import STATEMENTS_MAX, Seen
from harness.vocabulary import Link, Message

SHOWN = 3


def a_whole_statement(moment: Message) -> None:
    """Refuse a statement that is longer than the part that the relay keeps. Raises UsageError."""
    for key, kept in (("message", "whole statements and answers"), ("having", "no parameters")):
        if getattr(moment, key) is not None:
            mend = f"inject wire.hold({moment!r}) and wait for its fired()"
            raise UsageError.at("until", key, getattr(moment, key), f"the relay keeps {kept} only", mend=mend)


def found_among(moment: Message, seen: Sequence[Seen]) -> tuple[bool, str]:
    """Return whether the relay has seen such messages, and the messages that it has seen."""
    found = list(_matching(moment, seen))
    wanted = moment.nth or 1
    words = f"{len(found)} times {moment!r}"
    if len(found) >= wanted:
        return True, words
    others = dict.fromkeys(f"{each.direction} {each.text[:80]!r}" for each in reversed(seen) if each not in found)
    instead = ", ".join(list(others)[:SHOWN]) or "nothing"
    return False, f"{words}; the last others: {instead}"


def _matching(moment: Message, seen: Sequence[Seen]) -> Iterator[Seen]:
    """Return the moment's messages. Connections have the same numbers as in the relay's rules."""
    numbers: dict[int, int] = {}
    for each in seen:
        if not _fits(moment, each):
            continue
        # An answer to a message sent before we began also has its connection's number.
        number = numbers.setdefault(each.connection, len(numbers) + 1)
        if each.direction == moment.direction and moment.connection in (None, number):
            yield each


def _fits(moment: Message, seen: Seen) -> bool:
    """Return whether this is such a statement, sent or answered completely."""
    begins = seen.text.lstrip().upper().startswith(moment.text.lstrip().upper())
    return (seen.runs or seen.ends_answer) and begins and moment.phase in (None, seen.phase)


async def sends_per_request(site: Site, link: Link, history: History, *, since_ns: int = 0) -> float:
    """Return, for the statement sent most often, how often it was sent per request of the scenario.

    `since_ns`: only what was sent since then counts. Raises HarnessError if the scenario sent no request, the service
    sent nothing on this link, or more messages passed than the relay keeps.
    """
    requests = scenario_requests(history, since_ns=since_ns)
    seen = await site.relay.seen(site.laid(link).hop, requests[0].t_ns)
    if len(seen) >= STATEMENTS_MAX:
        problem = f"{link}: {STATEMENTS_MAX} statements and answers passed, or more than that"
        raise HarnessError(problem, hint="send fewer deliveries")
    samples = sampled_at_rest(history)
    most = busiest(link, [each for each in seen if not within(each.t_ns, samples)])
    if not most:
        problem = f"the service sent nothing on {link} in the scenario: there is no share of it"
        raise HarnessError(problem, hint="expect it for a link that the service uses in this scenario")
    return most / len(requests)


def busiest(link: Link, seen: Sequence[Seen]) -> int:
    """How often the most frequent statement, command or request was sent; those of one shape count as one."""
    counts = Counter(fingerprint(link.protocol, each.text) for each in seen if each.direction == "sent")
    return max(counts.values(), default=0)
