"""What was only carried out proves nothing, unless something was felt."""

from __future__ import annotations

import pytest

from harness import postgres, redis
from harness.checks import Verdict
from harness.faults import link, server
from harness.history.events import (
    Event,
    EvidenceSeen,
    FigureRead,
    MomentReached,
    ServerCrashed,
    ServerDied,
    TriesCounted,
)
from harness.vocabulary import REFUSED, service
from tests.checks.support import AT_REST, Story, rest, whole

SET = server.execute(redis, "SET nobody cares")


def run(*events: Event, before: bool = False) -> Story:
    """A run whose only fault is a text that was carried out. `before`: these events come before the fault."""
    story = Story().begin(*AT_REST)
    if before:
        story.tell(*events)
    story.acts(SET).request("a")
    if not before:
        story.tell(*events)
    return rest(story.healed().recover())


def test_a_text_that_was_carried_out_and_changed_nothing_is_inconclusive_in_words() -> None:
    judged = run().judged()
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason.startswith(f"{SET!r} was carried out, but nothing shows that the service felt it: add ")


@pytest.mark.parametrize(
    "felt",
    [
        MomentReached(service.answers(1), "1"),
        MomentReached(postgres.waiting("INSERT"), "1"),
        FigureRead(service.metric("degraded"), 5, at_least=5),
        TriesCounted("redis", 5, 1, 0, 10),
        ServerDied("redis", 0, "bye", SET),
        EvidenceSeen(1, "ended_connections", "relay", "5"),
    ],
    ids=lambda event: str(event.kind),
)
def test_it_is_held_where_something_was_felt(felt: Event) -> None:
    judged = run(felt).judged()
    assert judged.verdict is Verdict.HELD, judged.reason


@pytest.mark.parametrize(
    "nothing",
    [
        MomentReached(SET.fired(), "1"),
        FigureRead(service.metric("degraded"), 0, at_most=5),
        FigureRead(service.metric("degraded"), 0, at_least=0),
        TriesCounted("redis", 5, 0, 0, 10),
        TriesCounted("postgres", 5, 1, 0, 10),  # of another link
    ],
    ids=lambda event: str(event.kind),
)
def test_what_would_be_so_without_it_shows_nothing(nothing: Event) -> None:
    assert run(nothing).judged().verdict is Verdict.INCONCLUSIVE


def test_what_came_before_it_shows_nothing() -> None:
    assert run(MomentReached(service.answers(1), "1"), before=True).judged().verdict is Verdict.INCONCLUSIVE


def test_a_changed_answer_and_another_fault_are_felt() -> None:
    changed = Story().begin(*AT_REST).acts(SET).request("a").request("b", REFUSED, expected=REFUSED).healed().recover()
    assert rest(changed).judged().verdict is Verdict.HELD
    both = Story().begin(*AT_REST).acts(SET).healed().acts(link.cut(redis)).request("a").healed().recover()
    assert rest(both).judged().verdict is Verdict.HELD


def test_a_server_that_crashed_without_a_fault_proves_nothing() -> None:
    judged = whole().tell(ServerCrashed("postgres", "PANIC:  disk")).judged()
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.reason == "postgres crashed, and no fault had touched it: PANIC:  disk"
    assert whole().tell(ServerCrashed("postgres", "PANIC:  disk", SET)).judged().verdict is Verdict.HELD
