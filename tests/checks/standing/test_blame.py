"""The log blames a server only in a run in which a fault may have touched it."""

from __future__ import annotations

import pytest

from harness import Postgres, postgres, redis
from harness.checks.standing.self_reports.said import healthy_is_not_blamed
from harness.engine.said.lines import blames, read_line
from harness.faults import Fault, link, process, server
from harness.history.events import FaultActed, Named, ServerBlamed
from harness.target.sections.service_log import BlamesDescription
from tests.checks.support import Story
from tests.said.support import FIELDS, refused

BLAMED = ServerBlamed("postgres", ("postgres", "replica"), 9, 2, "a line")
ABOUT = BlamesDescription(events=("refused",), reasons=("lost", "gone"), but="TimeoutError")


@pytest.mark.parametrize(
    ("fault", "judged"),
    [
        (link.down(redis), 9),
        (link.down(postgres), 0),
        (server.standby(Postgres("replica")), 0),
        (process.kill(), 0),
    ],
)
def test_a_server_that_a_fault_may_have_touched_may_be_blamed(fault: Fault, judged: int) -> None:
    found = healthy_is_not_blamed(Story().fault(fault).tell(BLAMED).recorder.history)
    assert (found.observations, found.failed) == (judged, judged > 0)


def test_a_start_with_other_settings_touches_no_server() -> None:
    found = healthy_is_not_blamed(Story().tell(FaultActed(1, Named("lab.restart()")), BLAMED).recorder.history)
    assert found.reason == "postgres was blamed in 2 lines, although no fault touched it: a line"


@pytest.mark.parametrize(
    ("line", "blamed"),
    [
        (refused(reason="lost"), True),
        (refused(reason="busy"), False),
        (refused(reason="lost", event="tried"), False),
        (refused(reason="lost", error="TimeoutError"), False),
    ],
)
def test_a_line_blames_by_its_event_and_reason_but_not_for_a_time_out(line: str, blamed: bool) -> None:
    assert blames(read_line(line, FIELDS), ABOUT) is blamed
