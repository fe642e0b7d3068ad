"""What the service owes beyond storing what it acknowledges: reads, requests that are wrong, refusals, health.

Each request that the target describes carries what the contract allows for it (`owed`): an answer while something is
broken may say "not now", but never something false.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.checks.exchanges import Exchange, exchanges, several
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import Asks, RequestEnded
from harness.vocabulary import ABSENT, ACKNOWLEDGED, CONFIRMED, CONFLICT, FINAL_NO, REJECTED


def _asking(history: History, *asks: Asks) -> Sequence[Exchange]:
    return [e for e in exchanges(history) if e.sent.asks in asks]


def _not_owed(exchange: Exchange) -> bool:
    return exchange.sent.owed is not None and exchange.ended is not None and exchange.outcome not in exchange.sent.owed


def _examined(
    sent: Sequence[Exchange], bad: Sequence[Exchange], *, saw: str, why: Callable[[Exchange], str] | None = None
) -> Examined:
    stories = [why(e) if why else f"{e.name}: owed {e.sent.owed}, got {e.story()}" for e in bad]
    return Examined(
        problem=several(stories, len(sent)) if bad else "",
        saw=f"{len(sent)} {saw}",
        observations=len(sent),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in bad)),
    )


@check(Kind.SAFETY)
def never_denied(history: History) -> Examined:
    """What was acknowledged is never denied: a later read shows it, a repeat gets no final no.

    A service that cannot know, for now, says "refused".
    """
    confirmed: dict[str, int] = {}
    for e in exchanges(history):
        if e.sent.delivers and e.outcome in CONFIRMED and e.ended is not None:
            confirmed[e.sent.delivery] = min(e.span[1], confirmed.get(e.sent.delivery, e.span[1]))
    later = [
        e for e in exchanges(history) if e.of_delivery and e.span[0] >= confirmed.get(e.sent.delivery, e.span[0] + 1)
    ]
    bad = [e for e in later if e.outcome in ABSENT | REJECTED | CONFLICT]
    return _examined(later, bad, saw="reads and repeats of what was acknowledged", why=_denied)


def _denied(exchange: Exchange) -> str:
    return f"acknowledged, and denied: {exchange.name}: {exchange.story()}"


@check(Kind.SAFETY)
def shows_what_was_sent(history: History) -> Examined:
    """A read shows the body that was sent under that id, and nothing under an id that was never sent."""
    unsent = _asking(history, Asks.READ_UNSENT)
    shown = [e for e in _asking(history, Asks.READ) if e.ended is not None and e.ended.shown]
    other = [e for e in shown if e.ended is not None and e.ended.shown != e.sent.digest]
    invented = [e for e in unsent if e.outcome in CONFIRMED]
    stories = [f"{e.name}: shows another body than was sent" for e in other]
    stories += [f"{e.name}: {e.story()}" for e in invented]
    return Examined(
        problem=several(stories, len(shown) + len(unsent)) if stories else "",
        saw=f"{len(shown)} bodies shown, {len(unsent)} reads of ids that were never sent",
        observations=len(shown) + len(unsent),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in (*other, *invented))),
    )


@check(Kind.SAFETY)
def wrong_is_rejected(history: History) -> Examined:
    """What must be rejected is never let in; while nothing is broken, it is rejected."""
    sent = _asking(history, Asks.WRONG)
    bad = [e for e in sent if _not_owed(e)]
    found = _examined(sent, bad, saw="requests that must be rejected")
    return _only_safety_if(found, any(e.outcome in CONFIRMED for e in bad))


@check(Kind.SAFETY)
def first_body_stays(history: History) -> Examined:
    """An id that is taken by another body gets the answer that the contract says, and the first body stays."""
    sent = _asking(history, Asks.TAKEN)
    bad = [e for e in sent if _not_owed(e)]
    found = _examined(sent, bad, saw="deliveries with another body under a taken id")
    return _only_safety_if(found, any(e.outcome == ACKNOWLEDGED for e in bad))


def _only_safety_if(found: Examined, unsafe: bool) -> Examined:
    return found if unsafe else Examined(
        problem=found.problem, saw=found.saw, observations=found.observations, safety=False, deliveries=found.deliveries
    )  # fmt: skip


@check(Kind.LIVENESS, says="1 of 1: : status , after 0.00 s")
def valid_is_not_rejected(history: History) -> Examined:
    """Nothing that is right gets a final no because something is broken: not 401, 404, 408, 409, 422 ..."""
    sent = _asking(history, Asks.DELIVER)
    bad = [
        e for e in sent if e.outcome in FINAL_NO and not (e.judged and e.sent.expected and e.outcome in e.sent.expected)
    ]
    return _examined(sent, bad, saw="valid deliveries", why=lambda e: f"{e.name}: {e.story()}")


@check(Kind.LIVENESS, says="1 of 1: owed , got")
def owed(history: History) -> Examined:
    """Every other request of the contract gets an answer that the contract allows: reads, other sources, health."""
    others = [e for e in exchanges(history) if e.sent.owed is not None and e.sent.asks not in (Asks.WRONG, Asks.TAKEN)]
    return _examined(others, [e for e in others if _not_owed(e)], saw="requests of the contract")


@check(Kind.LIVENESS)
def carries(history: History) -> Examined:
    """An answer carries what the contract says: a refusal, say, when to try again; a rejection its status."""
    ended = list(history.of(RequestEnded))
    lacking = [e for e in exchanges(history) if e.ended is not None and e.ended.lacks]
    stories = [f"{e.name}: {e.story()}: without {', '.join(e.ended.lacks)}" for e in lacking if e.ended]
    return Examined(
        problem=several(stories, len(ended)) if stories else "",
        saw=f"{len(ended)} answers",
        observations=len(ended),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in lacking)),
    )
