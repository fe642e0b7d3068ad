"""The version that a change names: which answers show it, and which make it unknown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.engine.workload.outgoing import outgoing
from harness.engine.workload.versions import NEVER_SHOWN, Versions
from harness.errors import UsageError
from harness.history.events import Asks
from harness.target import Delivery, Target
from harness.target.description import HttpTemplate, TargetDescription
from harness.target.sender import TemplateSender
from harness.vocabulary import ABSENT, ACKNOWLEDGED, REJECTED, UNKNOWN, Outcome
from tests.scenario.test_changing import DOCUMENT

ORDER = Delivery("msg_1", "harness", b"{}")
CHANGES = {
    "amend": {"path": "/{id}", "headers": {"if-match": "{version}"}, "body": "{version} {body}"},
    "remove": {"method": "DELETE", "path": "/{id}", "headers": {"if-match": "{version}"}, "removes": True},
}


@pytest.fixture
def target() -> Target:
    http = {"path": "/{id}"}
    document = {**DOCUMENT, "sender": {"http": http, "version": "etag: (?P<version>.+)"}, "changes": CHANGES}
    sender = TemplateSender(HttpTemplate.model_validate(http))
    return Target(Path("target.toml"), TargetDescription.model_validate(document), sender)


def told(target: Target, *answers: tuple[Asks, str, Outcome, str]) -> Versions:
    """What is known after these answers; each with its header `etag`, or without if that is empty."""
    known = Versions()
    for asks, name, outcome, etag in answers:
        headers = [("etag", etag), ("date", "today")] if etag else [("date", "today")]
        known.learn(target, ORDER, (asks, name, outcome), headers, b"etag")
    return known


STORED = (Asks.DELIVER, "", ACKNOWLEDGED, '"1"')


@pytest.mark.parametrize(
    ("answers", "newest"),
    [
        ([], NEVER_SHOWN),
        ([STORED], '"1"'),
        ([STORED, (Asks.READ, "one", ACKNOWLEDGED, '"2"')], '"2"'),
        ([STORED, (Asks.READ_UNSENT, "one", ABSENT, '"9"'), (Asks.READ, "one", ABSENT, '"9"')], '"1"'),
        ([STORED, (Asks.CHANGE, "amend", ACKNOWLEDGED, '"2"'), STORED], '"2"'),
        ([STORED, (Asks.CHANGE, "amend", ACKNOWLEDGED, "")], NEVER_SHOWN),
        ([STORED, (Asks.CHANGE, "amend", ACKNOWLEDGED, ""), STORED], NEVER_SHOWN),
        ([STORED, (Asks.CHANGE, "amend", UNKNOWN, ""), (Asks.CHANGE, "amend", REJECTED, '"9"')], '"1"'),
        ([STORED, (Asks.CHANGE, "remove", ACKNOWLEDGED, "")], '"1"'),
    ],
    ids=[
        "none",
        "stored",
        "read",
        "not found",
        "repeated",
        "changed without one",
        "and repeated",
        "not changed",
        "removed",
    ],
)
def test_the_newest_version_is_the_one_that_a_client_knows(
    target: Target, answers: Sequence[tuple[Asks, str, Outcome, str]], newest: str
) -> None:
    assert told(target, *answers).of(ORDER) == newest


def test_a_change_names_it_and_nothing_else_does(target: Target) -> None:
    known = dataclasses.replace(ORDER, version='"7"', body=b"{version}")
    sent = outgoing(target, known, Asks.CHANGE, "amend")
    assert (sent.headers, sent.body) == ({"if-match": '"7"'}, b'"7" {version}')
    assert outgoing(target, known, Asks.DELIVER, "").body == b"{version}"


def test_a_scenario_reads_before_it_changes_what_has_no_known_version(target: Target) -> None:
    told(target, STORED).require(target, ORDER, "amend")
    with pytest.raises(UsageError, match=r"name = 'amend': .*shown the newest one of msg_1") as problem:
        told(target).require(target, ORDER, "amend")
    assert "lab.request('one')" in (problem.value.hint or "")
