"""What the relay has seen pass, compared with what a scenario waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.errors import HarnessError, UsageError
from harness.faults.site import Site
from harness.history import History
from harness.history.events import Purpose, RequestSent
from harness.vocabulary import Link, Message, Postgres
from harness.wire import ProtocolName, Seen
from harness.wire.fingerprint import fingerprint

SHOWN = 3
KEPT = 4_096
"""Statements and answers that the relay keeps of each link."""


def a_whole_statement(moment: Message) -> None:
    """Refuse what the relay does not keep of what has passed. Raises UsageError."""
    for key, kept in (("message", "whole statements and answers"), ("having", "no parameters")):
        if getattr(moment, key) is not None:
            mend = f"inject wire.hold({moment!r}) and wait for its fired()"
            raise UsageError.at("until", key, getattr(moment, key), f"the relay keeps {kept} only", mend=mend)


def found_among(moment: Message, seen: Sequence[Seen]) -> tuple[bool, str]:
    """Whether such messages are among those that the relay has seen, and what there is."""
    found = list(_matching(moment, seen))
    wanted = moment.nth or 1
    words = f"{len(found)} times {moment!r}"
    if len(found) >= wanted:
        return True, words
    others = dict.fromkeys(f"{each.direction} {each.text[:80]!r}" for each in reversed(seen) if each not in found)
    instead = ", ".join(list(others)[:SHOWN]) or "nothing"
    return False, f"{words}; the last others: {instead}"


def _matching(moment: Message, seen: Sequence[Seen]) -> Iterator[Seen]:
    connections: list[int] = []
    for each in seen:
        if not _is_such(moment, each):
            continue
        if each.connection not in connections:
            connections.append(each.connection)
        if moment.connection in (None, connections.index(each.connection) + 1):
            yield each


def _is_such(moment: Message, seen: Seen) -> bool:
    ends = seen.runs if moment.direction == "sent" else seen.ends_answer
    begins = seen.text.lstrip().upper().startswith(moment.text.lstrip().upper())
    return seen.direction == moment.direction and ends and begins and moment.phase in (None, seen.phase)


async def sends_per_request(site: Site, link: Link, history: History) -> float:
    """Return how often the statement sent most often was sent, for each request that the scenario sent.

    Raises HarnessError where the scenario sent nothing, or more than the relay keeps.
    """
    requests = [entry for entry in history.entries if _is_the_scenarios(entry.event)]
    if not requests:
        raise HarnessError("the scenario sent nothing: there is no share of it", hint="deliver something")
    seen = await site.relay.seen(site.laid(link).hop, requests[0].t_ns)
    if len(seen) >= KEPT:
        raise HarnessError(f"{link}: more than {KEPT} statements and answers passed", hint="send fewer deliveries")
    return busiest(link, seen) / len(requests)


def _is_the_scenarios(event: object) -> bool:
    return isinstance(event, RequestSent) and event.purpose == Purpose.SCENARIO


def busiest(link: Link, seen: Sequence[Seen]) -> int:
    """How often the statement, or the command of one shape, was sent that was sent most often."""
    protocol: ProtocolName = "postgres" if isinstance(link, Postgres) else "redis"
    counts = Counter(fingerprint(protocol, each.text) for each in seen if each.direction == "sent")
    return max(counts.values(), default=0)
