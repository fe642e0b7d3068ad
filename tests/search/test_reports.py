"""The reports of one lane are its own: what the relay says of another lane's links is ignored."""

from __future__ import annotations

from harness.history import Recorder
from harness.history.events import ServiceEnded
from harness.relay import Ended, Fired
from harness.search.sweep.reports import LaneReports


def fired(rule: str, hop: str) -> Fired:
    return Fired(
        hop=hop, connection=1, t_ns=1, rule=rule, service_port=1, message="Query", text="COMMIT", offset=0,
        passed_bytes=0,
    )  # fmt: skip


def ended(hop: str) -> Ended:
    return Ended(hop=hop, connection=1, t_ns=1, service_port=1, by="server", phase="idle", text="", direction_due=None)


def test_only_the_lanes_own_links_count() -> None:
    reports = LaneReports()
    reports.hops = {"postgres-1", "redis-1"}
    for hop in ("postgres-1", "postgres-2", "postgres-1", "redis-1"):
        reports.relayed(ended(hop))
        reports.relayed(fired(f"rule on {hop}", hop))
    assert reports.ended == {"postgres-1": 2, "redis-1": 1}
    assert reports.fired.keys() == {"rule on postgres-1", "rule on redis-1"}


def test_the_services_end_is_recorded_in_the_history_of_the_cell_that_is_tried() -> None:
    reports, event = LaneReports(), ServiceEnded(1, 0, "end")
    reports.service_ended(event)
    reports.recorder = Recorder()
    reports.service_ended(event)
    assert list(reports.recorder.history.of(ServiceEnded)) == [event]
