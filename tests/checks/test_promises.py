"""What the harness owes every history: without it a run is inconclusive, and the reason says what is missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import postgres, redis
from harness.checks import Verdict, judge
from harness.faults import link, no_fault, server
from harness.history import History
from harness.history.events import (
    Asks,
    AtRest,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    HarnessProblem,
    Healthy,
    Named,
    NotRecovered,
    Recovered,
    ServerUnusable,
    ServiceStarted,
)
from harness.vocabulary import ACKNOWLEDGED, REFUSED, UNKNOWN
from tests.checks.support import DOWN, Story, middle, rest, whole

CUT = link.cut(postgres)
STOPS = server.execute(redis, "SHUTDOWN")


def recovered_first() -> Story:
    return Story().begin().recover().fault().request("a").rows("a").again("a").rows("a")


def recovered_before_heal() -> Story:
    story = Story().begin().tell(FaultActed(1, DOWN), EvidenceSeen(1, "connections_cut", "kernel", "5"))
    return story.request("a").recover().tell(FaultHealed(1)).rows("a").again("a").rows("a")


def refused_first() -> Story:
    return Story().begin().tell(NotRecovered(1, "503")).fault().request("a").rows("a").again("a").rows("a")


def never_healed() -> Story:
    story = Story().begin().tell(FaultActed(1, DOWN), EvidenceSeen(1, "connections_cut", "kernel", "5"))
    return story.request("a").recover().rows("a").again("a").rows("a")


def early(seconds: float, took_ms: float = 0.0) -> Story:
    story = Story().begin()
    at_ns = story.recorder.history.entries[-1].t_ns
    story.recorder.record("test", EvidenceSeen(1, "connections_cut", "kernel", "5"), t_ns=at_ns)
    story.recorder.record("test", FaultActed(1, DOWN, took_ms), t_ns=at_ns + int(seconds * 1e9))
    return story.tell(FaultHealed(1)).request("a").recover().rows("a").again("a").rows("a")


BROKEN: list[tuple[Callable[[], Story], str]] = [
    (recovered_first, "recovery came before link.down(redis) acted"),
    (refused_first, "recovery came before link.down(redis) acted"),
    (recovered_before_heal, "recovery came before link.down(redis) was healed"),
    (never_healed, "link.down(redis) was never healed"),
    (lambda: whole().tell(FaultHealed(9)), "fault 9 was healed, and never acted"),
    (lambda: whole().tell(EvidenceSeen(9, "connections_cut", "kernel", "5")),
     "evidence connections_cut is of fault 9, which never acted"),
    (lambda: whole().tell(EvidenceSeen(1, "poison_met", "Redis", "5")),
     "link.down(redis) left evidence poison_met; it declares connections_cut, connects_refused"),
    (lambda: rest(Story().begin().fault(no_fault).request("a").recover()),
     "no_fault left evidence connections_cut; it declares none"),
    (lambda: early(0.002), "evidence connections_cut of link.down(redis) is 2.000 ms older than the fault"),
    (lambda: early(0.002, took_ms=1), "evidence connections_cut of link.down(redis) is 1.000 ms older than the fault"),
    (lambda: middle().ask(Asks.DELIVER, "a", ACKNOWLEDGED).rows("a").again("a").rows("a"),
     "what is stored was never read after the scenario's last request and before deliveries were sent again"),
    (lambda: middle().again("a").rows("a"), "what is stored was never read after the scenario's last request and befo"),
    (lambda: middle().rows("a").request("c", UNKNOWN, expected=UNKNOWN).again("a").rows("a"),
     "what is stored was never read after the scenario's last request and before deliveries were sent again"),
    (lambda: middle().rows("a").again("a"), "what is stored was never read after deliveries were sent again"),
    (lambda: Story().begin().rows().fault().request("a").recover(),
     "what is stored was never read after the scenario's last request"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "reason"), BROKEN, ids=[f"{n}-{each[1][:30]}" for n, each in enumerate(BROKEN)])
def test_a_promise_that_the_harness_broke_is_a_doubt(story: Callable[[], Story], reason: str) -> None:
    judgement = story().judged()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason.startswith(reason)


def test_it_hides_no_wrong_row_and_a_failure_of_what_clients_saw_is_no_proof() -> None:
    assert never_healed().rows("a", "foreign").judged().verdict is Verdict.FAILED
    judgement = rest(never_healed().request("c", UNKNOWN)).judged()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert [result.name for result in judgement.failing] == ["outcome"]


def test_a_break_of_the_harness_is_told_before_what_came_of_it() -> None:
    assert never_healed().tell(HarnessProblem("oops")).judged().reason == "the harness broke: oops"


def test_evidence_may_come_while_the_fault_is_being_injected() -> None:
    assert early(0.002, took_ms=2.5).judged().verdict is Verdict.HELD


def test_what_the_contract_asks_of_other_deliveries_repeats_none_of_the_scenarios() -> None:
    story = middle().ask(Asks.DELIVER, "x", ACKNOWLEDGED).ask(Asks.READ, "a", ACKNOWLEDGED)
    assert rest(story, "x").judged().verdict is Verdict.HELD


def test_a_point_of_a_sweep_declares_no_evidence() -> None:
    story = Story().begin().tell(FaultActed(1, Named("cut at COMMIT")), EvidenceSeen(1, "wire_cut", "relay", "COMMIT"))
    story.tell(FaultHealed(1)).request("a").tell(Recovered(1)).rows("a").again("a").rows("a")
    assert story.judged().verdict is Verdict.HELD


def test_where_a_spoilt_server_stopped_the_harness_that_is_the_reason() -> None:
    spoilt = Story().begin().fault(CUT).request("a", UNKNOWN).recover().tell(ServerUnusable(STOPS, "rows", "refused"))
    judgement = spoilt.judged()
    assert judgement.verdict is Verdict.FAILED
    assert "; besides, server.execute(redis, 'SHUTDOWN') left its server" in judgement.reason


def test_a_history_of_which_entries_were_left_out_is_judged_as_well() -> None:
    """As a sweep does with a pair of which the second had nothing to meet."""
    refused = Story().begin("tasks").fault().request("b", REFUSED, expected=REFUSED).recover()
    whole_one = refused.tell(AtRest("tasks", 1, 1)).rows().recorder.history
    part = History([entry for entry in whole_one.entries if not isinstance(entry.event, ServiceStarted | Healthy)])
    assert (judge(whole_one).verdict, judge(part).verdict) == (Verdict.HELD, Verdict.HELD)
