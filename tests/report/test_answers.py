"""The table of answers of a run, by what was asked."""

from __future__ import annotations

from harness.checks.facts.exchanges import Exchange
from harness.history import Recorder
from harness.history.events import Asks, Purpose, RequestEnded, RequestSent, RunBegan
from harness.present.html.drawings.timeline import timeline_of
from harness.present.html.runs.answers import answer_rows
from harness.present.html.runs.chronicle import Sent, chronicle_of
from harness.vocabulary import ACKNOWLEDGED, ALREADY, NO_WORD, REFUSED, REJECTED, UNKNOWN, Outcome


def sent(number: int, asks: Asks, name: str, outcome: Outcome, status: int, *headers: str) -> Sent:
    request = RequestSent(number, "a", "", 0, Purpose.CONTRACT.value, asks=asks.value, name=name)
    ended = RequestEnded(number, outcome, 5.0, status, f"answer {number}", headers=headers)
    return Sent(Exchange(request, ended), 0.0, 0.005)


def test_what_was_asked_tells_requests_apart_that_were_answered_alike() -> None:
    rows = answer_rows(
        [
            sent(1, Asks.WRONG, "unsigned", REJECTED, 401, "www-authenticate: x", "date: y"),
            sent(2, Asks.WRONG, "stale", REJECTED, 401),
            sent(3, Asks.DELIVER, "", REJECTED, 401),
            sent(4, Asks.HEALTH, "alive", ACKNOWLEDGED, 200),
            sent(5, Asks.HEALTH, "ready", ACKNOWLEDGED, 200),
            sent(6, Asks.DELIVER, "", ACKNOWLEDGED, 200),
        ]
    )
    assert [(row.asked, row.outcome, row.count) for row in rows] == [
        ("what must be rejected", "rejected", 2),
        ("store it", "rejected", 1),
        ("alive", "acknowledged", 1),
        ("ready", "acknowledged", 1),
        ("store it", "acknowledged", 1),
    ]
    assert rows[0].headers == "www-authenticate: x\ndate: y"


WRONGED = REJECTED | NO_WORD
"""What is owed for a wrong request while something is broken."""


def test_an_answer_that_was_owed_is_drawn_like_an_acknowledgement() -> None:
    answered = [(REJECTED, REJECTED), (REJECTED, None), (REFUSED, WRONGED), (UNKNOWN, WRONGED), (ALREADY, None)]
    recorder = Recorder()
    recorder.record("runner", RunBegan("a", "hardened", (), 0, "target.toml", 1_000.0, "2026-01-01T00:00:00+00:00"))
    for number, (outcome, owed) in enumerate(answered):
        recorder.record("client", RequestSent(number, "a", "", 0, "contract", asks=Asks.WRONG.value, owed=owed))
        recorder.record("client", RequestEnded(number, outcome, 5.0, 401))
    chronicle = chronicle_of(recorder.history)
    assert chronicle is not None
    timeline = timeline_of(chronicle, titled=True)
    assert timeline is not None
    assert [point.kind for point in timeline.points] == ["a", "u", "r", "u", "a"]
