"""Of a service's log, what tells why a run did not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.checks import CheckResult, Verdict
from harness.engine.observing.service.service_log import unhandled_in
from harness.history.events import UnhandledLogged
from harness.present.terminal.views.story import details
from harness.results.ablation import judge_pair
from harness.results.service_log import cut_within, telling_line
from tests.results.made import PROOF, ablated, made

CAUSE = "redis.exceptions.ReadOnlyError: You can't write against a read only replica."


def line(delivery: str, error: str) -> str:
    return json.dumps({"at": "2026-11-26T17:51:32.555+00:00", "event": "refused", "delivery": delivery, "error": error})


LOG = "\n".join(
    [line("msg_a_1", "ValueError: survived"), "msg_a_12: RuntimeError: another's", line("msg_a_10", CAUSE),
     line("msg_a_10", "RedisFailedError: breaker_open"), line("msg_a_31", "RedisFailedError: breaker_open")]
)  # fmt: skip
FAILED = (CheckResult("outcome", True, "1 of 2: msg_a_10: got refused", deliveries=("msg_a_10", "msg_a_1x")),)


@pytest.mark.parametrize(
    ("deliveries", "told"),
    [
        (["msg_a_10"], f"error: {CAUSE}; event: refused; delivery: msg_a_10"),
        (["msg_a_1"], "error: ValueError: survived; event: refused; delivery: msg_a_1"),
        ([], "error: RedisFailedError: breaker_open; event: refused; delivery: msg_a_31"),
        (["msg_a_7"], "error: RedisFailedError: breaker_open; event: refused; delivery: msg_a_31"),
    ],
)
def test_the_first_error_of_a_delivery_that_failed_tells_most(deliveries: list[str], told: str) -> None:
    assert telling_line(LOG, deliveries) == told


def test_an_empty_log_tells_nothing() -> None:
    assert telling_line("", ["msg_a_1"]) == ""


@pytest.mark.parametrize(("width", "cut"), [(26, "abcdefghijklmnopqrstuvwxyz"), (13, "ab ... uvwxyz"), (5, " ... ")])
def test_the_end_of_a_long_text_stays(width: int, cut: str) -> None:
    assert cut_within("abcdefghijklmnopqrstuvwxyz", width) == cut
    assert len(cut) == width


def test_a_story_quotes_the_cause_and_names_the_whole_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = made(Verdict.FAILED, checks=FAILED, service_log=LOG, history=tmp_path / "r" / "history" / "x.jsonl")
    assert "logged" not in dict(details(run)), "there is no such file"
    file = tmp_path / "r" / "logs" / f"{run.key}.log"
    file.parent.mkdir(parents=True)
    file.touch()

    told = dict(details(run))

    assert told["log"].startswith(f"error: {CAUSE}; ")
    assert told["logged"] == f"in r/logs/{run.key}.log"


def test_a_proof_that_failed_otherwise_says_what_was_logged_to_its_end() -> None:
    error = f"{'x' * 400} TooManyConnectionsError: sorry, too many clients already"

    reason = judge_pair(made(), ablated(checks=FAILED, service_log=f"msg_a_10: {error}"), PROOF).reason

    assert reason.endswith("TooManyConnectionsError: sorry, too many clients already")


def test_an_access_log_that_names_a_status_tells_no_error() -> None:
    access = 'INFO: "POST /orders HTTP/1.1" 500 Internal Server Error'
    assert telling_line(f"asyncpg.exceptions.DataError: bad\n{access}\n", []) == "asyncpg.exceptions.DataError: bad"
    assert telling_line(f"started\n{access}\n", []) == access, "if there is nothing better"


def test_a_librarys_link_is_no_cause() -> None:
    error = "sqlalchemy.exc.DBAPIError: (asyncpg.Error) error 40001"
    advice = "(Background on this error at: https://sqlalche.me/e/21/dbapi)"
    assert telling_line(f"{error}\n{advice}\n", []) == error
    assert telling_line(f"{error} {advice} <- asyncpg.Error: 40001\n", []) == f"{error} <- asyncpg.Error: 40001"
    visit = "For further information visit https://errors.pydantic.dev/2"
    pydantic = "pydantic_core.ValidationError: 1"
    assert telling_line(f"{pydantic}\n    {visit}\n", []) == pydantic


def test_an_answer_that_was_no_error_is_no_cause() -> None:
    for access in ('127.0.0.1 - "POST /orders HTTP/1.1" 201 Created', '{"path": "/orders", "status": 201}'):
        assert telling_line(f"the pool is empty\n{access}\n", []) == "the pool is empty"
        assert telling_line(f"{access}\n", []) == ""


def test_what_closes_a_traceback_is_recorded_with_its_first_line() -> None:
    head = "Traceback (most recent call last):"
    lines = [
        head,
        '  File "a.py", line 1, in f',
        "    1 / 0",
        "",
        "ZeroDivisionError: division by zero",
        "panic: no",
        head,
    ]
    found = list(unhandled_in(lines, "^Traceback|^panic"))
    assert found == [
        UnhandledLogged(head, "ZeroDivisionError: division by zero"),
        UnhandledLogged("panic: no"),
        UnhandledLogged(head),
    ]
