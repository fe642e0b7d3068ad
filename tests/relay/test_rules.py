from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.protocols.contract.speech import SPEECH
from harness.relay import (
    Action,
    Corrupt,
    Cut,
    Delay,
    Drop,
    DropAndClose,
    Duplicate,
    Ended,
    Fail,
    Fired,
    Hold,
    Late,
    Match,
    Passed,
    Report,
    Reset,
    Rule,
    Seen,
    Stall,
    folded,
)
from harness.relay.control.refusals import check_rule
from harness.relay.control.reports import REPORTS
from harness.relay.rules.actions import ACTIONS

COUNTS = st.integers(1, 1 << 40)
ACTION = st.one_of(
    st.builds(Cut, st.integers(0, 1 << 40)),
    st.builds(Reset, st.integers(0, 1 << 40)),
    st.builds(Delay, st.floats(0, 1000, exclude_min=True)),
    st.builds(Corrupt, st.integers(0, 1 << 40)),
    st.builds(Fail, st.sampled_from(["40001", "READONLY"]), st.text("ab'$ ü"), st.booleans()),
    st.sampled_from([Stall(), Hold(), Drop(), DropAndClose(), Late(), Duplicate(), Cut(after=True), Reset(after=True)]),
)
MATCH = st.builds(
    Match,
    direction=st.sampled_from(["sent", "answered"]),
    text=st.text(),
    message=st.none() | st.text(min_size=1),
    phase=st.none() | st.sampled_from(["startup", "authentication", "query", "commit", "idle"]),
    having=st.none() | st.binary(min_size=1),
    connection=st.none() | COUNTS,
    nth=st.none() | COUNTS,
    after=st.none() | st.just("another"),
)


@given(MATCH, ACTION, st.booleans())
def test_a_rule_is_the_same_after_a_way_through_json(match: Match, action: Action, always: bool) -> None:
    if match.direction not in action.directions:
        return
    rule = Rule(id="r", hop="h", match=match, action=action, always=always)
    assert Rule.from_json(json.loads(json.dumps(rule.to_json()))) == rule


WHERE: dict[str, Any] = {"hop": "h", "connection": 1, "t_ns": 5}
MESSAGE: dict[str, Any] = {"rule": "r", "service_port": 4, "message": "Query", "text": "é", "offset": 0}
SEEN: dict[str, Any] = {"direction": "sent", "message": "Query", "text": "x", "phase": "query", "exchange": 1}
REPORT = [
    Fired(**WHERE, **MESSAGE, passed_bytes=3),
    Passed(**WHERE, **MESSAGE),
    Ended(**WHERE, service_port=4, by="reset by server", phase="idle", text="", direction_due=None),
    Seen(**WHERE, **SEEN, runs=True, ends_answer=False, offset=0, length=9),
    Seen(**WHERE, **SEEN, runs=True, ends_answer=False, offset=0, length=9, head=b"\x00\xff"),
]


@pytest.mark.parametrize("report", REPORT)
def test_a_report_is_the_same_after_a_way_through_json(report: Report) -> None:
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_every_kind_has_a_name_of_its_own() -> None:
    own = {kind for kind, action in ACTIONS.items() if action.__module__ == Cut.__module__}  # protocols have more
    assert own == {
        "cut", "reset", "stall", "hold", "hang_up", "delay", "drop", "drop_and_close", "fail", "late", "duplicate",
        "corrupt",
    }  # fmt: skip
    assert set(REPORTS) == {"fired", "passed", "ended", "seen", "known"}


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("\n\t\tSELECT\n\t\t\tid,\n\t\t\tname\n", "select id, n"),
        ("INSERT INTO a", "INSERT\tINTO"),
        ("INSERT INTO a", "INSERT "),
    ],
)
def test_a_text_is_compared_without_its_lines(text: str, beginning: str) -> None:
    assert folded(text).startswith(folded(beginning))


def test_white_space_at_the_end_of_a_beginning_counts() -> None:
    assert not folded("INSERTED").startswith(folded("INSERT "))
    assert folded(" \n") == ""


def rule_json(**changes: Any) -> dict[str, Any]:
    return {"id": "r", "hop": "h", "match": {"direction": "sent"}, "action": {"kind": "cut"}, **changes}


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (rule_json(action={"kind": "ct"}), ("rule.action", "kind", "'ct'", "'cut'")),
        (rule_json(action={"kind": "cut", "afer": 1}), ("rule.action", "afer", "1", "'after'")),
        (rule_json(action={"kind": "cut", "after_bytes": -1}), ("rule.action", "after_bytes", "-1", "write 0 or more")),
        (rule_json(action={"kind": "cut", "after_bytes": True}), ("after_bytes", "True", "a whole number")),
        (rule_json(action={"kind": "delay"}), ("delay_ms", "needs this key", "add 'delay_ms'")),
        (rule_json(action={"kind": "delay", "delay_ms": float("nan")}), ("delay_ms", "nan", "a finite number")),
        (rule_json(action={"kind": "fail", "code": "4 1"}), ("code", "'4 1'", "40001")),
        (rule_json(action={"kind": "fail", "code": "40001", "text": "a\nb"}), ("text", "control characters")),
        (rule_json(action={"kind": "late"}), ("match.direction", "'sent'", "answered")),
        (rule_json(match={"direction": "answered"}, action={"kind": "fail", "code": "40001"}), ("direction", "sent")),
        (rule_json(match={"direction": "sendt"}), ("rule.match", "direction", "'sendt'", "'sent'")),
        (rule_json(match={"direction": "sent", "nth": 0}), ("nth", "0", "write 1 or more")),
        (rule_json(match={"direction": "sent", "phase": "comit"}), ("phase", "'comit'", "'commit'")),
        (rule_json(match={"direction": "sent", "having": "%"}), ("having", "'%'", "base64")),
        (rule_json(match={"direction": "sent", "having": ""}), ("having", "leave it out")),
        (rule_json(match={"direction": "sent", "after": "r"}), ("match.after", "itself")),
        (rule_json(id=""), ("id", "empty")),
        (rule_json(allways=True), ("allways", "'always'")),
        (["no", "rule"], ("rule", "expected an object")),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_its_mend(data: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as raised:
        Rule.from_json(data)
    text = str(raised.value)
    assert [part for part in parts if part not in text] == [], text


@pytest.mark.parametrize(
    ("protocol", "action", "message", "word"),
    [
        ("postgres", Fail("READONLY"), None, "SQLSTATE"),
        ("postgres", Fail("00000"), None, "SQLSTATE"),
        ("postgres", Fail("57P03"), "StartupMessage", "fatal=True"),
        ("redis", Fail("40001"), None, "Redis"),
        ("redis", Fail("LOADING", fatal=True), None, "Redis"),
    ],
)
def test_an_error_must_be_one_of_the_protocol(protocol: Any, action: Fail, message: str | None, word: str) -> None:
    rule = Rule(id="r", hop="h", match=Match(direction="sent", message=message), action=action)
    with pytest.raises(UsageError, match=word):
        check_rule(rule, SPEECH.of(protocol))


def test_an_error_of_the_protocol_is_taken() -> None:
    match = Match(direction="sent")
    check_rule(Rule(id="r", hop="h", match=match, action=Fail("40001")), SPEECH.of("postgres"))
    check_rule(Rule(id="r", hop="h", match=match, action=Fail("LOADING")), SPEECH.of("redis"))
    startup = Match(direction="sent", message="StartupMessage")
    check_rule(Rule(id="r", hop="h", match=startup, action=Fail("57P03", fatal=True)), SPEECH.of("postgres"))
