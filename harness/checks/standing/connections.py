"""Checks what an error costs other requests, whether the log names it, and whether a request waits for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.checks.clock import CLIENTS, SERVICE, Late, Span, machine_was_busy, ms_of
from harness.checks.facts.closed_connections import CAUSE_NS, Cost, cost_of
from harness.checks.facts.exchanges import Exchange, by_delivery, by_the_clock, exchanges, several
from harness.checks.registry import Examined, Kind, check
from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import (
    ConnectionsSeen,
    ConnectionUsed,
    CoresSeen,
    ErrorLogged,
    ErrorMet,
    ErrorsMet,
    FaultActed,
    FaultHealed,
    QuietSeen,
    ServiceEnded,
    ServiceStarted,
)
from harness.vocabulary import CONFIRMED, FINAL_NO

HUNG_UP_NS = 1_000_000_000
"""For this long after a client has hung up, the service may close what it used for that client."""
ON_ITS_WAY = (CLIENTS, SERVICE, "relay")
"""The processes that can work on a request while no server does."""
PAUSES_NS = 2_000_000_000
"""For this long after a fault the service may still pause: asyncio tries to accept again after a second."""
ENDS_WITHIN_NS = 10_000_000_000
"""If a process ended for an unknown reason, it may have begun to end this long before."""


@dataclass(frozen=True, slots=True)
class _Trigger:
    """A trigger that concerns one request only: an error on its connection, its client's hanging up, its rejection."""

    t_ns: int
    connection: int
    words: str


@check(Kind.LIVENESS, says="after on: healthy connections were ended and used again")
def costs_no_other(history: History) -> Examined:
    """An error of one request, its rejection or its client's hanging up does not cost the connections of others."""
    met = {each.link: each.errors for each in history.of(ErrorsMet)}
    ends = list(_ends(history))
    examined = 0
    stories: list[str] = []
    for seen in history.of(ConnectionsSeen):
        errors = [error for error in met.get(seen.link, ()) if not _came_too_late(error, seen.connections)]
        triggers = sorted([*_errors(errors), *_of_requests(history)], key=lambda each: each.t_ns)
        examined += len(triggers)
        causes = _causes(history, seen.connections, errors) if seen.connections else ()
        erred = {each.connection: each.t_ns for each in sorted(errors, key=lambda each: each.t_ns)}
        costs = [
            (each, cost_of(each.t_ns, each.connection, seen.connections, causes, ends, erred))
            for each in (triggers if seen.connections else ())
        ]
        blamed = max(filter(_too_much, costs), key=_how_likely, default=None)
        stories += [] if blamed is None else [_told(*blamed, seen.link)]
    return Examined(
        problem="; ".join(stories),
        saw=f"{examined} errors, rejections and hang-ups, each of one request"
        f"; {sum(each.count for each in history.of(ConnectionsSeen))} connections",
        observations=examined,
    )


def _too_much(found: tuple[_Trigger, Cost]) -> bool:
    return found[1].too_much


def _how_likely(found: tuple[_Trigger, Cost]) -> tuple[bool, int, int]:
    """An error on the link explains most, then the trigger that cost most, then the last one."""
    trigger, cost = found
    return bool(trigger.connection), len(cost.gone), trigger.t_ns


def _told(trigger: _Trigger, cost: Cost, link: str) -> str:
    return (
        f"after {trigger.words} on {link}: {len(cost.gone)} healthy connections were ended, and {cost.kept} used again"
    )


def _came_too_late(error: ErrorMet, connections: Sequence[ConnectionUsed]) -> bool:
    """Whether the service had ended the connection before the error came, and so not because of it."""
    return error.own and any(each.number == error.connection and 0 < each.ended_ns < error.t_ns for each in connections)


def _errors(errors: Sequence[ErrorMet]) -> Iterator[_Trigger]:
    for error in errors:
        if error.own and not error.lost:
            yield _Trigger(error.t_ns, error.connection, f"{error.code} for {error.statement!r}")


def _of_requests(history: History) -> Iterator[_Trigger]:
    for each in exchanges(history):
        if each.ended is None:
            continue
        if each.ended.hung_up_at is not None:
            yield _Trigger(each.span[1], 0, f"the client of {each.name} had hung up,")
        elif each.outcome in FINAL_NO:
            yield _Trigger(each.span[0], 0, f"{each.name} was {each.outcome!s},")


def _causes(history: History, connections: Sequence[ConnectionUsed], errors: Sequence[ErrorMet]) -> Sequence[int]:
    """When something pointed at the server or the line: a lost or closed connection, an error of that kind."""
    own = {error.connection for error in errors if error.own}
    hung_up = [each.span[1] for each in exchanges(history) if each.ended is not None and each.ended.hung_up_at]
    found = [error.t_ns for error in errors if not error.own]
    for each in sorted(connections, key=lambda each: each.ended_ns):
        if not each.ended_ns or (each.let_go and each.uses):  # an unused one was given up while it was made
            continue
        by_service = each.by in ("service", "reset by service")
        if by_service and each.number in own:
            continue
        asked = [t_ns for t_ns in hung_up if by_service and 0 <= each.ended_ns - t_ns <= HUNG_UP_NS]
        if asked:
            hung_up.remove(asked[0])  # one client's hanging up ends one connection
        elif each.uses:
            found.append(each.ended_ns)
        else:  # a caller waited while it was made, and such a caller gives up other connections, too
            found.append(max(each.opened_ns, each.ended_ns - CAUSE_NS))
    return found


def _ends(history: History) -> Iterator[Span]:
    """The times at which processes of the service were ending, or a fault acted on them."""
    for entry, ended in history.placed(ServiceEnded):
        if ended.asked_by == "end":  # of the run: the connections were looked at before
            continue
        began = ENDS_WITHIN_NS if ended.after_ms is None else round(ended.after_ms * 1e6) + HUNG_UP_NS
        yield entry.t_ns - began, entry.t_ns + HUNG_UP_NS
    of_it: set[int] = set()
    for entry, acted in history.placed(FaultActed):
        if isinstance(acted.fault, Fault) and acted.fault.of_the_process:
            of_it.add(acted.number)
            yield entry.t_ns - round(acted.took_ms * 1e6), entry.t_ns + ENDS_WITHIN_NS
    for entry, healed in history.placed(FaultHealed):
        if healed.number in of_it:
            yield entry.t_ns - round(healed.took_ms * 1e6), entry.t_ns + HUNG_UP_NS


@check(Kind.LIVENESS, says="on for deliveries, and no line that names the delivery reports it")
def errors_are_told(history: History) -> Examined:
    """For each error that a server answered, the log has a line with its code or text, if the target says so."""
    logged = list(history.of(ErrorLogged))
    stories = [
        f"{each.code} ({each.text}) on {each.link} for {each.met} deliveries, and no line that names the delivery"
        f" reports it: {', '.join(each.untold)}{', ...' if each.untold_count > len(each.untold) else ''}"
        for each in logged
        if each.owed and each.untold_count
    ]
    silent = [f"{each.code} on {each.link}" for each in logged if not each.lines]
    return Examined(
        problem="; ".join(stories),
        saw=f"{len(logged)} kinds of errors for deliveries"
        f"{', not logged at all: ' if silent else ''}{', '.join(silent)}",
        observations=sum(each.met for each in logged),
        clock=tuple(_given_up(history, [each for each in logged if each.owed and each.untold_count])),
    )


def _given_up(history: History, untold: Sequence[ErrorLogged]) -> Sequence[Late]:
    """Return the time of each delivery that the service had given up before it could log the error.

    It is empty if one of these errors belonged to a delivery that the service acknowledged.
    """
    wrong: list[Exchange] = []
    for name in (name for each in untold for name in each.untold):
        sent = [e for e in by_delivery(history).get(name, ()) if e.outcome not in CONFIRMED]
        if not sent:
            return ()
        wrong += sent
    return by_the_clock(history, wrong) if all(each.untold_count == len(each.untold) for each in untold) else ()


@check(Kind.LIVENESS, says="1 of 1: waited, while the service waited for no server (limit ms)")
def waits_for_something(history: History) -> Examined:
    """A request does not wait for long while the service waits for no server, if the target has a limit for that."""
    found: list[tuple[Exchange, Span]] = []
    judged = 0
    limit_ms, hidden = 0.0, ""
    blind = _blind(history)
    for seen in history.of(QuietSeen):
        limit_ms = seen.idle_wait_ms
        for each in filter(_waits_plainly, exchanges(history)):
            judged += 1
            for time in seen.times:
                span = (max(each.span[0], time.from_ns), min(each.span[1], time.until_ns))
                over_ms = ms_of(span)
                if over_ms <= limit_ms or _explained(history, each, span, blind):
                    continue
                if over_ms - _at_work_ms(history, span) > limit_ms:
                    found.append((each, span))
                elif not hidden:
                    hidden = machine_was_busy(history, Late(span, over_ms - limit_ms))
    stories = [f"{each.name} waited {(span[1] - span[0]) / 1e9:.2f} s" for each, span in found]
    words = f", while the service waited for no server (limit {limit_ms:g} ms)"
    return Examined(
        problem=several(stories, judged) + words if stories else "",
        saw=f"{judged} requests, {len(found)} of which waited for no server longer than {limit_ms:g} ms"
        if judged
        else "the target sets no such limit",
        observations=judged,
        deliveries=tuple(dict.fromkeys(each.sent.delivery for each, _ in found)),
        clock=tuple(Late(span, ms_of(span) - limit_ms) for _, span in found),
        blurred=f"{hidden}, which looks the same as a wait for nothing" if hidden else "",
    )


def _waits_plainly(each: Exchange) -> bool:
    """Whether it was sent in one piece, and its client waited for the answer."""
    hung_up = each.ended is not None and each.ended.hung_up_at is not None
    unusual = each.sent.delivers and bool(each.sent.name)  # one of those may be sent in pieces
    return each.of_delivery and not unusual and not hung_up


def _explained(history: History, each: Exchange, span: Span, blind: Sequence[Span]) -> bool:
    """Whether it may have waited for something that the relay does not see, or paused after a failure."""
    if any(began_ns < span[1] and span[0] < ended_ns for began_ns, ended_ns in blind):
        return True
    return any(each.span[0] <= t_ns <= span[1] for t_ns in history.once(_failures))


def _failures(history: History) -> Sequence[int]:
    """When a statement failed, or a connection ended that was in use or that the service did not close."""
    errors = [error.t_ns for met in history.of(ErrorsMet) for error in met.errors]
    seen = [each for found in history.of(ConnectionsSeen) for each in found.connections]
    return [*errors, *(each.ended_ns for each in seen if each.ended_ns and not each.let_go)]


def _blind(history: History) -> Sequence[Span]:
    """The times of faults that may make a service wait without the relay's knowledge."""
    over_ns = history.entries[-1].t_ns if history.entries else 0
    healed = {event.number: entry.t_ns for entry, event in history.placed(FaultHealed)}
    found = [
        (entry.t_ns - round(acted.took_ms * 1e6), healed.get(acted.number, over_ns) + PAUSES_NS)
        for entry, acted in history.placed(FaultActed)
        if not (isinstance(acted.fault, Fault) and acted.fault.waits_are_seen)
    ]
    moments = [*history.entries_of(ServiceStarted), *history.entries_of(ServiceEnded)]
    return [*found, *((entry.t_ns - HUNG_UP_NS, entry.t_ns + HUNG_UP_NS) for entry in moments)]


def _at_work_ms(history: History, span: Span) -> float:
    """The longest time, within that span, in which a process of the run waited for a core, or the service ran.

    The order of waits within a sample is unknown, so one and a half times the span's share of the sample counts.
    """
    found_ms = 0.0
    for entry, seen in history.placed(CoresSeen):
        within_ms = (min(entry.t_ns, span[1]) - max(entry.t_ns - seen.over_ms * 1e6, span[0])) / 1e6
        if within_ms > 0:
            share = within_ms / seen.over_ms
            found_ms += min(1.0, 1.5 * share) * sum(wait.waited_ms for wait in seen.waits if wait.of in ON_ITS_WAY)
            found_ms += share * sum(wait.ran_ms for wait in seen.waits if wait.of == SERVICE)
    return found_ms
