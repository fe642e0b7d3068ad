"""Checks what the service owes besides storing acknowledged deliveries: reads, wrong requests, refusals, health.

Each request that the target describes carries what the contract allows for it (`owed`): an answer while something is
broken may say "not now", but never something false.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.checks.clock import Late
from harness.checks.facts.claims import Clash, Wrong, told
from harness.checks.facts.exchanges import Exchange, by_the_clock, exchanges, several
from harness.checks.registry import Examined, Kind, check
from harness.history import History
from harness.history.events import AskedForWrong, Asks, RequestEnded
from harness.stack.http.owed import WAITED_FOR_S
from harness.vocabulary import ACKNOWLEDGED, CONFIRMED


def _asking(history: History, *asks: Asks) -> Sequence[Exchange]:
    return [e for e in exchanges(history) if e.sent.asks in asks]


def _not_owed(exchange: Exchange) -> bool:
    return exchange.sent.owed is not None and exchange.ended is not None and exchange.outcome not in exchange.sent.owed


def _examined(
    history: History,
    sent: Sequence[Exchange],
    bad: Sequence[Exchange],
    *,
    saw: str,
    why: Callable[[Exchange], str] | None = None,
) -> Examined:
    """Report the bad exchanges. If all of them ran out of time, a busy machine excuses them.

    A busy machine does not excuse a connection that the service ended at once.
    """
    stories = [why(e) if why else f"{e.name}: owed {e.sent.owed}, got {e.story()}" for e in bad]
    unanswered = all(e.ended is None or (e.ended.status is None and e.waited) for e in bad)
    return Examined(
        problem=several(stories, len(sent)) if bad else "",
        saw=f"{len(sent)} {saw}",
        observations=len(sent),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in bad)),
        clock=tuple(Late(e.span) for e in bad) if unanswered else tuple(by_the_clock(history, bad)),
        symptom=tuple(sorted({e.end for e in bad})),
        seen_ns=min((e.span[1] for e in bad), default=None),
    )


@check(Kind.SAFETY)
def never_denied(history: History) -> Examined:
    """What was acknowledged is never denied: a later read shows it, a repeat gets no final no.

    The same holds for what a read or the rows have shown. A service that cannot know for now says "refused".
    """
    confirmed: dict[str, int] = {}
    for e in exchanges(history):
        if e.sent.delivers and e.outcome in CONFIRMED and e.ended is not None:
            confirmed[e.sent.delivery] = min(e.span[1], confirmed.get(e.sent.delivery, e.span[1]))
    later = sum(
        e.of_delivery and e.span[0] >= confirmed.get(e.sent.delivery, e.span[0] + 1) for e in exchanges(history)
    )
    found = told(history).wrong(Wrong.DENIED)
    return _of_clashes(found, later, saw=f"{later} reads and repeats of what was acknowledged", why=_denied)


def _denied(clash: Clash) -> str:
    words = clash.words if clash.first is None else [clash.first]
    vouched = "acknowledged" if any(word.confirms for word in words) else "stored"
    return f"{vouched}, and denied: {clash.second.told}"


def _of_clashes(found: Sequence[Clash], of: int, *, saw: str, why: Callable[[Clash], str]) -> Examined:
    told_of: dict[int, str] = {}
    for each in found:
        told_of.setdefault(id(each.second), why(each))  # a word may contradict several others
    stories = list(told_of.values())
    return Examined(
        problem=several(stories, max(of, len(stories))) if stories else "",
        saw=saw,
        observations=max(of, len(stories)),
        deliveries=tuple(dict.fromkeys(each.delivery for each in found)),
    )


@check(Kind.SAFETY)
def shows_what_was_sent(history: History) -> Examined:
    """A read shows the body that is stored under that id, and nothing under an id for which nothing can be stored.

    Ids that were never sent, refused deliveries and second bodies are not stored.
    """
    unsent = _asking(history, Asks.READ_UNSENT)
    shown = [e for e in _asking(history, Asks.READ) if e.ended is not None and e.ended.shown]
    saw = f"{len(shown)} bodies shown, {len(unsent)} reads of ids that had not been sent"
    return _of_clashes(told(history).wrong(Wrong.SHOWN), len(shown) + len(unsent), saw=saw, why=_shown)


def _shown(clash: Clash) -> str:
    read = clash.second.by
    if isinstance(read, Exchange) and read.ended is not None and read.ended.shown not in ("", read.sent.digest):
        return f"{read.name}: shows another body than was sent"
    return clash.second.told if clash.first is None else clash.told


@check(Kind.SAFETY)
def wrong_is_rejected(history: History) -> Examined:
    """What must be rejected is never let in; while nothing is broken, it is rejected."""
    # A client that hung up before its request was whole waits for no answer.
    sent = [e for e in _asking(history, Asks.WRONG) if e.ended is None or e.ended.hung_up_at is None]
    bad = [e for e in sent if _not_owed(e)]
    found = _examined(history, sent, bad, saw="requests that must be rejected")
    return _only_safety_if(found, any(e.outcome in CONFIRMED for e in bad))


@check(Kind.SAFETY)
def first_body_stays(history: History) -> Examined:
    """If an id is taken by another body, the answer is the contract's, and the first body stays."""
    sent = _asking(history, Asks.TAKEN)
    bad = [e for e in sent if _not_owed(e)]
    found = _examined(history, sent, bad, saw="deliveries with another body under a taken id")
    second = told(history).wrong(Wrong.SECOND_BODY)
    if second and not bad:
        return _of_clashes(second, len(sent), saw=found.saw, why=lambda clash: clash.told)
    return _only_safety_if(found, bool(second) or any(e.outcome == ACKNOWLEDGED for e in bad))


@check(Kind.SAFETY)
def answers_agree(history: History) -> Examined:
    """All answers and rows about one delivery can be true together: some order of its requests explains them.

    It reports what no other check has reported about that delivery: a conflict for an id under which nothing can be
    stored, "already" for a delivery that was never sent before, a row that a read has shown and that is gone.
    """
    found = told(history)
    elsewhere = {each.delivery for each in found.clashes if each.wrong is not Wrong.OTHER}
    other = [each for each in found.wrong(Wrong.OTHER) if each.delivery not in elsewhere]
    count = sum(map(len, found.words.values()))
    saw = f"{count} answers and rows about {len(found.words)} deliveries"
    return _of_clashes(other, count, saw=saw, why=lambda clash: clash.told)


@check(Kind.LIVENESS)
def wrong_asks_nobody(history: History) -> Examined:
    """What must be rejected is rejected before a server is asked for it, if the target says so."""
    read = list(history.of(AskedForWrong))
    stories = [
        f"for {len(each.ids)} of {each.wrong} requests that must be rejected, the service sent something over"
        f" {each.link}; the first: {each.ids[0]}"
        for each in read
        if each.ids
    ]
    count = max((each.wrong for each in read), default=0)
    return Examined(
        problem="; ".join(stories),
        saw=f"{count} requests that must be rejected, looked for on {len(read)} links" if read
        else "the target sets no such limit",
        observations=count,
    )  # fmt: skip


def _only_safety_if(found: Examined, unsafe: bool) -> Examined:
    return found if unsafe else Examined(
        problem=found.problem, saw=found.saw, observations=found.observations, safety=False,
        deliveries=found.deliveries, clock=found.clock,
    )  # fmt: skip


@check(Kind.LIVENESS, says="1 of 1: : status , after 0.00 s")
def valid_is_not_rejected(history: History) -> Examined:
    """A valid request never gets a final no because something is broken: not 401, 404, 408, 409, 422 ..."""
    sent = _asking(history, Asks.DELIVER)
    bad = [e for e in sent if e.gives_up]
    return _examined(history, sent, bad, saw="valid deliveries", why=lambda e: f"{e.name}: {e.story()}")


@check(Kind.LIVENESS, says="1 of 1: owed , got")
def owed(history: History) -> Examined:
    """Every other request of the contract gets an answer that the contract allows: reads, other sources, health."""
    others = [e for e in exchanges(history) if e.sent.owed is not None and e.sent.asks not in (Asks.WRONG, Asks.TAKEN)]
    return _examined(history, others, [e for e in others if _not_owed(e)], saw="requests of the contract")


@check(Kind.LIVENESS)
def carries(history: History) -> Examined:
    """An answer carries what the contract says: a refusal, for example, when to try again; a rejection its status."""
    ended = list(history.of(RequestEnded))
    lacking = [e for e in exchanges(history) if e.ended is not None and e.ended.lacks]
    stories = [f"{e.name}: {e.story()}: without {', '.join(e.ended.lacks)}" for e in lacking if e.ended]
    return Examined(
        problem=several(stories, len(ended)) if stories else "",
        saw=f"{len(ended)} answers",
        observations=len(ended),
        deliveries=tuple(dict.fromkeys(e.sent.delivery for e in lacking)),
        clock=_waited_for(lacking),
    )


def _waited_for(lacking: Sequence[Exchange]) -> tuple[Late, ...]:
    """Return the time that each client waited for its missing answer; none if one did not wait."""
    found: list[Late] = []
    for each in lacking:
        waited_s = [WAITED_FOR_S.get(name, 0.0) for name in (each.ended.lacks if each.ended else ())]
        if not all(waited_s):
            return ()
        found.append(Late((each.span[1] - round(sum(waited_s) * 1e9), each.span[1])))
    return tuple(found)
