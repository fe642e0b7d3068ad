"""Histories made by hand: what a run of a well-behaved service leaves, and ways to spoil it."""

from __future__ import annotations

from harness import redis
from harness.checks import Judgement, judge
from harness.faults import Fault, link
from harness.history import Recorder
from harness.history.events import (
    Asks,
    AtRest,
    Event,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    FigureRead,
    Healthy,
    Purpose,
    Recovered,
    RequestEnded,
    RequestSent,
    RowsRead,
    RunBegan,
    ServiceEnded,
    ServiceStarted,
    StoredRow,
    TriesCounted,
)
from harness.vocabulary import ACKNOWLEDGED, REFUSED, Outcome, service

DOWN = link.down(redis)
DEADLINE_MS = 3_500.0
HEALTHY_MS = 5.0
AT_REST = ("connections: postgres", "busy connections: postgres", "checked_out", "tasks", "descriptors")
STATUS = {
    "acknowledged": 200,
    "refused": 503,
    "throttled": 429,
    "unknown": 504,
    "rejected": 401,
    "absent": 404,
    "already": 208,
    "conflict": 409,
}


class Story:
    """Tells a history, one event after the other."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self._requests = 0
        self._faults = 0

    def tell(self, *events: Event) -> Story:
        for event in events:
            self.recorder.record("test", event)
        return self

    def tell_at(self, t_ns: int, event: Event) -> Story:
        self.recorder.record("test", event, t_ns=t_ns)
        return self

    def begin(
        self,
        *at_rest: str,
        within_ms: float = 0.0,
        health_within_ms: float | None = 900.0,
        tells_away: tuple[str, ...] = (),
    ) -> Story:
        return self.tell(
            RunBegan(
                "a", "hardened", (), 0, "target.toml", DEADLINE_MS, "2026-01-01T00:00:00+00:00", at_rest,
                ready_needs=(DOWN.link.name,), health_within_ms=health_within_ms, tells_away=tells_away, stop_ms=1_500,
                ready_again_ms=300, stored_within_ms=within_ms,
            ),
            ServiceStarted(1, 2, 100.0),
            Healthy(HEALTHY_MS, 5),
        )  # fmt: skip

    def send(
        self,
        delivery: str,
        *,
        digest: str | None = None,
        purpose: Purpose = Purpose.SCENARIO,
        expected: Outcome | None = ACKNOWLEDGED,
        slower_ms_max: float | None = None,
    ) -> int:
        self._requests += 1
        number = self._requests
        self.tell(
            RequestSent(number, delivery, digest or digest_of(delivery), 100, purpose.value, expected, slower_ms_max)
        )
        return number

    def end(
        self,
        request: int,
        outcome: Outcome = ACKNOWLEDGED,
        *,
        took_ms: float = HEALTHY_MS,
        answer: str = "stored",
        waiting_for: tuple[str, ...] = (),
        paused_ms: float | None = None,
    ) -> Story:
        return self.tell(
            RequestEnded(
                request, outcome, took_ms, STATUS[str(outcome)], answer, waiting_for=waiting_for, paused_ms=paused_ms
            )
        )

    def ask(
        self,
        asks: Asks,
        delivery: str,
        outcome: Outcome,
        *,
        owed: Outcome | None = None,
        shown: str = "",
        lacks: tuple[str, ...] = (),
        away: tuple[str, ...] = (),
        name: str = "the one",
        took_ms: float = HEALTHY_MS,
        purpose: Purpose = Purpose.CONTRACT,
        digest: str | None = None,
        given: str = "",
    ) -> Story:
        """Tell of a request of the contract, and its answer. `shown`: the digest that a read showed."""
        self._requests += 1
        if digest is None:
            digest = digest_of(f"{delivery}, another one") if asks is Asks.TAKEN else digest_of(delivery)
        self.tell(
            RequestSent(
                self._requests, delivery, digest, 100, purpose.value, asks=asks.value,
                name="" if asks is Asks.DELIVER else name, owed=owed,
            ),
            RequestEnded(
                self._requests, outcome, took_ms, STATUS[str(outcome)], "stored", shown=shown, lacks=lacks,
                tells_away=away, given=given,
            ),
        )  # fmt: skip
        return self

    def request(self, delivery: str, outcome: Outcome = ACKNOWLEDGED, *, answer: str = "stored", took_ms: float = 5.0,
                expected: Outcome | None = ACKNOWLEDGED, purpose: Purpose = Purpose.SCENARIO) -> Story:  # fmt: skip
        number = self.send(delivery, expected=expected, purpose=purpose)
        return self.end(number, outcome, answer=answer, took_ms=took_ms)

    def again(self, delivery: str, outcome: Outcome = ACKNOWLEDGED, *, answer: str = "stored") -> Story:
        return self.request(delivery, outcome, answer=answer, expected=None, purpose=Purpose.AGAIN)

    def fault(self, fault: Fault = DOWN, *, evidence: bool = True) -> Story:
        self._faults += 1
        self.tell(FaultActed(self._faults, fault))
        if evidence:
            self.tell(EvidenceSeen(self._faults, "connections_cut", "kernel", "5 connections"))
        return self.tell(FaultHealed(self._faults))

    def health(self, name: str, outcome: Outcome, *, took_ms: float = HEALTHY_MS, away: tuple[str, ...] = ()) -> Story:
        """Tell of an answer about the service's health: `alive` or `ready`. `away`: the links that it says are away."""
        return self.ask(Asks.HEALTH, "", outcome, name=name, took_ms=took_ms, purpose=Purpose.SAMPLE, away=away)

    def acts(self, *faults: Fault, took_ms: float = 0.0) -> Story:
        """Tell of faults that stay in force, with their evidence."""
        for fault in faults:
            self._faults += 1
            self.tell(FaultActed(self._faults, fault, took_ms))
            for each in fault.evidence[:1]:
                self.tell(EvidenceSeen(self._faults, each.kind, each.source, "some"))
        return self

    def healed(self, *, took_ms: float = 0.0) -> Story:
        """Tell that the last fault is healed."""
        return self.tell(FaultHealed(self._faults, took_ms=took_ms))

    def recover(self) -> Story:
        return self.tell(Recovered(20.0))

    def rows(self, *stored: str | StoredRow) -> Story:
        return self.tell(RowsRead(tuple(row(each) if isinstance(each, str) else each for each in stored)))

    def judged(self) -> Judgement:
        return judge(self.recorder.history)

    def failing(self) -> set[str]:
        """Names of the checks that fail."""
        return {result.name for result in self.judged().failing}


def digest_of(delivery: str) -> str:
    return f"digest of {delivery}"


def row(delivery: str, *, digest: str | None = None, copies: int = 1) -> StoredRow:
    return StoredRow(delivery, digest or digest_of(delivery), copies)


def middle(*, evidence: bool = True) -> Story:
    """A run up to its rows: one fault, an acknowledged delivery, a refused one."""
    story = Story().begin(*AT_REST).fault(evidence=evidence).request("a").request("b", REFUSED, expected=REFUSED)
    return story.recover()


def rest(story: Story, *more: str) -> Story:
    """The end of a run, with everything in order: rows, everything sent again, rows. `more`: stored beside "a"."""
    story.tell(
        AtRest("connections", 5, 15, "postgres"),
        AtRest("busy connections", 0, 0, "postgres"),
        AtRest("checked_out", 0, 0),
        AtRest("tasks", 3, 5),
        AtRest("descriptors", 20, 80),
        FigureRead(service.metric("retries"), 0, 0),
        TriesCounted("postgres", 2, 1, 0, 10),
    )
    story.rows("a", *more)
    for delivery in ("a", *more):
        story.again(delivery)
    return story.rows("a", *more).tell(ServiceEnded(1, 0, "end"))


def whole(*, evidence: bool = True) -> Story:
    """A run that is held, or would be with the fault's evidence."""
    return rest(middle(evidence=evidence))
