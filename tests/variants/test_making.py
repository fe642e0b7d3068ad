"""Variants of a target's requests: what they are made of, their names, and their bytes."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from harness.engine.variants.approved import file_of, read_approved
from harness.engine.variants.making import Variant, variants
from harness.engine.variants.raw import RawRequest, raw
from harness.target import SOURCE, Delivery, OutgoingRequest, Target, load_target
from tests.tiny import CHECKOUT

HOST = "127.0.0.1:1"
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
DELIVERY = Delivery("v0001-abcd", SOURCE, b'{"a":1}')


@pytest.fixture(scope="module")
def own() -> Target:
    return load_target(CHECKOUT / "scenarios" / "target.toml")


def made(target: Target, name: str) -> RawRequest:
    variant = next(each for each in variants(target) if each.name == name)
    return variant.request(target, variant.meant(DELIVERY), HOST)


def test_each_has_a_name_of_its_own_that_stays(own: Target) -> None:
    names = [each.name for each in variants(own)]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert names == [each.name for each in variants(load_target(own.path))]


def test_every_variant_of_our_service_has_an_approved_answer(own: Target) -> None:
    """A new operator is otherwise told by the scenario, and judges nothing."""
    assert set(read_approved(file_of(own))) == {each.name for each in variants(own)}


def test_each_can_be_written_and_is_unlike_the_usual_one(own: Target) -> None:
    """But for letters of another case where a value has none."""
    same: list[str] = []
    for variant in variants(own):
        delivery = variant.meant(DELIVERY)
        sent = bytes(variant.request(own, delivery, HOST))
        assert sent.count(b"\n") > 1, variant.name
        usual = dataclasses.replace(variant, change=Variant("").change)
        if usual != variant and bytes(usual.request(own, delivery, HOST)) == sent:
            same.append(variant.name)
    assert [name for name in same if not name.endswith(("lower", "upper", "swapped case", "first letter's case"))] == []


def test_values_come_from_what_the_target_describes() -> None:
    """No header of ours: a target of another service, unsigned, has variants of its own headers."""
    target = load_target(CHECKOUT / "examples" / "own-service" / "scenarios" / "target.toml")
    prefixes = {each.name.partition(":")[0] for each in variants(target)}
    described = target.sender.request(DELIVERY).headers
    assert {name.lower() for name in described} <= prefixes
    assert "webhook-signature" not in prefixes
    assert not any(each.name.startswith("age:") for each in variants(target)), "this sender cannot sign in the past"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("webhook-id: a bad one first", b"\r\nwebhook-id: x\r\nwebhook-id: v0001-abcd\r\n"),
        ("webhook-id: name with underscores", b"\r\nwebhook_id: v0001-abcd\r\n"),
        ("webhook-id: Kelvin sign behind", b"\r\nwebhook-id: v0001-abcd\xe2\x84\xaa\r\n"),
        ("webhook-timestamp: plus", b"\r\nwebhook-timestamp: +1"),
        ("webhook-timestamp: fraction", b".0\r\n"),
        ("delivery: method put", b""),
        ("delivery: path, dots inside", b"POST /webhooks/x/../harness HTTP/1.1\r\n"),
        ("delivery: path, absolute", b"POST http://127.0.0.1:1/webhooks/harness HTTP/1.1\r\n"),
        ("delivery: HTTP 1.0", b"POST /webhooks/harness HTTP/1.0\r\n"),
        ("delivery: in chunks", b"\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{"),
        ("delivery: header without a colon", b"\r\nnonsense\r\n\r\n"),
        ("delivery: two lengths", b"\r\ncontent-length: 7\r\n"),
        ("read delivery: path, slash behind", b"GET /webhooks/harness/v0001-abcd/ HTTP/1.1\r\n"),
        ("source: with '%2E'", b""),
        ("body: empty", b"\r\ncontent-length: 0\r\n"),
    ],
)
def test_what_goes_over_the_line(own: Target, name: str, line: bytes) -> None:
    if line:
        assert line in bytes(made(own, name))
    else:
        assert name not in {each.name for each in variants(own)}


def test_a_body_that_is_changed_before_signing_has_its_true_length(own: Target) -> None:
    sent = made(own, "body: 1048577 bytes")
    assert len(sent.body) == 1048577
    assert sent.value(b"content-length") == b"1048577"


def test_a_body_that_is_changed_after_signing_keeps_the_old_signature(own: Target) -> None:
    sent = made(own, "body, after signing: last cut off")
    assert sent.body == DELIVERY.body[:-1]
    signed = {name: sent.value(name.encode()).decode() for name in SIGNED}
    key = Webhook(own.sender.settings()["WEBHOOK_SECRETS"].partition(",")[0])
    key.verify(DELIVERY.body, signed)
    with pytest.raises(WebhookVerificationError):
        key.verify(sent.body, signed)


def test_a_get_without_a_body_has_no_length() -> None:
    assert raw(OutgoingRequest("GET", "/x", {}, b""), HOST).value(b"content-length") == b""
