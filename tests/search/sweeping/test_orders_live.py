"""Every order of two requests, on real servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import Judgement, Verdict, judge
from harness.compare.profiles import Outcome
from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed
from harness.history import History
from harness.history.events import CoresSeen
from harness.present.html import write_report
from harness.search.orders import interleaving
from harness.search.orders.gated import run_orders
from harness.search.orders.interleaving import OrderResult
from harness.search.orders.orders import written
from harness.search.sweep import lane_cores
from tests.results.made import summary_of
from tests.search.live import lane_settings, losing_rows, play


@pytest.fixture(scope="module")
def copies(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> list[OrderResult]:
    return play(bed, lane_settings(tmp_path_factory.mktemp("orders")), "copies")


def test_every_order_of_two_copies_holds_and_each_is_played_once(copies: list[OrderResult]) -> None:
    orders = [written(each.order) for each in copies]
    assert len(set(orders)) == len(orders) > 10
    assert {each.verdict for each in copies} == {Verdict.HELD}, [each.reason for each in copies]
    assert {order[0] for order in orders} == {"1", "2"}


def test_a_lock_is_told_by_the_server_and_takes_orders_away(copies: list[OrderResult]) -> None:
    assert any(each.waits for each in copies)
    # Who inserts second waits until the first has ended: it cannot go on in between.
    assert not any(written(each.order).startswith("12122") for each in copies)


def test_two_different_deliveries_have_all_twenty_orders(bed: Testbed, tmp_path: Path) -> None:
    found = play(bed, lane_settings(tmp_path), "deliveries")
    assert len({each.order for each in found}) == len(found) == 20
    assert {each.verdict for each in found} == {Verdict.HELD}


def test_without_the_unique_key_every_order_stores_both(bed: Testbed, tmp_path: Path) -> None:
    found = play(bed, lane_settings(tmp_path, without=("insert.idempotent",)), "copies")
    assert len(found) == 20
    assert all(each.verdict is Verdict.FAILED and "stored_once" in each.failing for each in found)


def test_an_order_is_played_again_by_its_name(bed: Testbed, tmp_path: Path, copies: list[OrderResult]) -> None:
    wanted = copies[len(copies) // 2]
    (again,) = play(bed, lane_settings(tmp_path), "copies", only=wanted.order)
    assert (again.order, again.verdict) == (wanted.order, Verdict.HELD)


def test_a_delivery_that_is_lost_fails_the_mix_with_a_read_too(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing_rows(monkeypatch)
    (lost,) = play(bed, lane_settings(tmp_path), "read", only=(1, 1, 1, 2, 2, 2))
    assert lost.verdict is Verdict.FAILED
    assert "acknowledged_is_stored" in lost.failing
    assert "reading msg" not in lost.reason


def test_an_order_that_a_lock_forbids_is_inconclusive_and_the_cores_of_its_time_are_known(
    bed: Testbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[History] = []

    def judge_of(history: History) -> Judgement:
        judged.append(history)
        return judge(history)

    monkeypatch.setattr(interleaving, "judge", judge_of)
    monkeypatch.setattr(lane_cores, "LONG_S", 0.0)
    (result,) = play(bed, lane_settings(tmp_path), "copies", only=(1, 2, 1, 2, 2, 2))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "waits for a lock" in result.reason
    assert [len(list(history.of(CoresSeen))) for history in judged] == [1]


def test_all_orders_of_a_mix_make_one_run_of_a_gate(bed: Testbed, tmp_path: Path) -> None:
    held = run_orders(["read"], RunConfiguration(profile="hardened", folder=tmp_path), bed)
    assert (held.key.id, held.verdict, held.figures["orders"]) == ("orders_of_two", Verdict.HELD, 20)
    assert held.evidence[0].kind == "wire_order"
    assert held.history is None
    assert len((tmp_path / "orders" / f"{held.key}.jsonl").read_text("utf-8").splitlines()) == 20
    assert Outcome.of(held).verdict is Verdict.HELD
    (tmp_path / "summary.json").write_text(summary_of(held).text(lambda _: None), "utf-8")
    assert "not a line of a history" not in write_report(tmp_path).read_text("utf-8")
    unsafe = RunConfiguration(profile="hardened", without=("insert.idempotent",), folder=tmp_path)
    failed = run_orders(["copies"], unsafe, bed)
    assert failed.verdict is Verdict.FAILED
    assert failed.failing_checks[0] == "stored_once"
    assert "20 of 20 orders: order 1" in failed.reason


def test_more_orders_than_are_to_be_played_are_not_called_held(bed: Testbed, tmp_path: Path) -> None:
    configuration = RunConfiguration(profile="hardened", folder=tmp_path)
    some = run_orders(["deliveries", "read"], configuration, bed, at_most=19)
    assert (some.verdict, some.figures["orders"]) == (Verdict.INCONCLUSIVE, 38)
    assert "deliveries, read: more than 19 orders" in some.reason
    all_of_them = run_orders(["deliveries"], configuration, bed, at_most=20)
    assert (all_of_them.verdict, all_of_them.figures["orders"]) == (Verdict.HELD, 20)
