"""What is accepted is allowed by the OpenAPI document, and what is rejected for its name is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.engine.workload.documented import not_as_documented
from harness.engine.workload.outgoing import changed, outgoing
from harness.history.events import Asks
from harness.target import Delivery, OutgoingRequest, Target, load_target
from harness.target.openapi import DocumentedAnswer
from harness.vocabulary import ACKNOWLEDGED, REJECTED

TARGET = load_target(Path(__file__).parents[2] / "scenarios" / "target.toml")
GOOD = b'{"source":"harness","id":"a","sha256":"%s","received_at":"2026-11-30T00:00:00+00:00"}' % (b"0" * 64)
BAD = b'{"error":"invalid_id","detail":"An id has no full stop."}'
JSON = {"content-type": "application/json"}
STORED, REFUSED = DocumentedAnswer(200, JSON, GOOD), DocumentedAnswer(400, JSON, BAD)


def request(name: str = "", *, named: str = "msg_a", asks: Asks = Asks.DELIVER) -> OutgoingRequest:
    return outgoing(TARGET, Delivery(named, "harness", b"{}"), asks, name)


def lacks(target: Target, sent: OutgoingRequest, answer: DocumentedAnswer, name: str = "") -> str:
    asks = Asks.WRONG if name else Asks.DELIVER
    outcome = ACKNOWLEDGED if answer is STORED else REJECTED
    return "".join(not_as_documented(target, sent, answer, asks=asks, name=name, outcome=outcome))


def test_what_is_as_documented_lacks_nothing() -> None:
    assert lacks(TARGET, request(), STORED) == ""
    assert lacks(TARGET, request("full_stop", asks=Asks.WRONG), REFUSED, "full_stop") == ""


def test_what_is_accepted_has_to_be_allowed() -> None:
    said = r'it was accepted, though webhook-id: it does not match "^[A-Za-z0-9_=+:~-]{1,128}$"'
    assert lacks(TARGET, request(named="msg.a"), STORED) == f"its place in openapi.yaml: {said}"


@pytest.mark.parametrize(("name", "said"), [("full_stop", True), ("read_with_a_full_stop", True), ("broken", False)])
def test_what_is_rejected_for_its_name_must_not_be_allowed(name: str, said: bool) -> None:
    wrong = TARGET.description.wrong[name]
    sent = outgoing(TARGET, changed(Delivery("msg_a", "harness", b"{}"), wrong), Asks.WRONG, name)
    allowed = dataclasses.replace(sent, path=sent.path.replace("%2e", ""), headers={**sent.headers, "webhook-id": "a"})
    forbids = "its place in openapi.yaml: it was rejected, and nothing there forbids it"
    assert lacks(TARGET, allowed, REFUSED, name) == (forbids if said else "")


def test_an_answer_that_is_not_documented_is_told_first() -> None:
    odd = DocumentedAnswer(418, JSON, BAD)
    assert lacks(TARGET, request(), odd) == "its place in openapi.yaml: POST /webhooks/{source}, status 418"


def test_a_target_without_a_document_is_not_judged() -> None:
    contract = TARGET.description.contract.model_copy(update={"openapi": None})
    plain = dataclasses.replace(TARGET, description=TARGET.description.model_copy(update={"contract": contract}))
    assert lacks(plain, request(named="msg.a"), DocumentedAnswer(418, JSON, BAD)) == ""
