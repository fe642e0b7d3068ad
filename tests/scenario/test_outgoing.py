"""The requests of a contract, as they are sent: reads, and deliveries made wrong before or after they are signed."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from dataclasses import replace
from email.utils import format_datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from harness.engine.workload.contract import TURNS, in_turn
from harness.engine.workload.outgoing import changed, dated_ahead_s, misdated, outgoing, shown, told_away
from harness.errors import UsageError
from harness.history.events import Asks
from harness.target import Delivery, OutgoingRequest, Target, load_target
from harness.target.sender import Then
from tests.tiny import write_suite

OWN = Path(__file__).parents[2] / "scenarios" / "target.toml"
DELIVERY = Delivery("msg_1", "harness", b'{"a": 1}')


@pytest.fixture
def target() -> Target:
    return load_target(OWN)


def secrets(target: Target) -> list[str]:
    """The first sender's present and old secret, then the neighbour's."""
    settings = target.sender.settings()
    return [*settings["WEBHOOK_SECRETS"].split(","), settings["WEBHOOK_SOURCE_SECRETS"].rpartition(":")[2]]


def signed_by(request: OutgoingRequest, secret: str) -> bool:
    try:
        Webhook(secret).verify(request.body, dict(request.headers))
    except WebhookVerificationError:
        return False
    return True


def test_a_delivery_is_right(target: Target) -> None:
    request = outgoing(target, DELIVERY, Asks.DELIVER, "")
    assert (request.method, request.path, request.body) == ("POST", "/webhooks/harness", DELIVERY.body)
    assert [signed_by(request, secret) for secret in secrets(target)] == [True, False, False]


def test_other_identities_sign_with_their_own_secrets(target: Target) -> None:
    old = Delivery("msg_1", "harness", b"{}", identity="before_rotation")
    other = Delivery("msg_1", "neighbour", b"{}", identity="neighbour")
    assert [signed_by(outgoing(target, old, Asks.DELIVER, ""), each) for each in secrets(target)] == [
        False,
        True,
        False,
    ]
    assert [signed_by(outgoing(target, other, Asks.DELIVER, ""), each) for each in secrets(target)] == [
        False, False, True,
    ]  # fmt: skip
    assert (old.name, other.name) == ("msg_1", "neighbour/msg_1")


def test_a_read_has_no_body(target: Target) -> None:
    assert outgoing(target, DELIVERY, Asks.READ, "delivery") == OutgoingRequest(
        "GET", "/webhooks/harness/msg_1", {}, b""
    )


@pytest.mark.parametrize("name", ["unsigned", "forged", "stale", "future", "of_the_neighbour"])
def test_what_nobody_may_send_has_no_good_signature(target: Target, name: str) -> None:
    request = outgoing(target, DELIVERY, Asks.WRONG, name)
    assert not signed_by(request, secrets(target)[0])
    assert (request.path, request.body) == ("/webhooks/harness", DELIVERY.body)


@pytest.mark.parametrize(("name", "age_s"), [("stale", 320), ("future", -320)])
def test_a_stale_one_is_signed_well_but_at_another_time(target: Target, name: str, age_s: int) -> None:
    headers = outgoing(target, DELIVERY, Asks.WRONG, name).headers
    at = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
    assert abs((dt.datetime.now(dt.UTC) - at).total_seconds() - age_s) < 60
    signature = Webhook(secrets(target)[0]).sign(DELIVERY.id, at, DELIVERY.body.decode())
    assert headers["webhook-signature"] == signature


@pytest.mark.parametrize("name", ["too_large", "broken", "other_type"])
def test_what_is_wrong_in_another_way_is_signed_well(target: Target, name: str) -> None:
    request = outgoing(target, DELIVERY, Asks.WRONG, name)
    at = dt.datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), dt.UTC)
    signature = Webhook(secrets(target)[0]).sign(DELIVERY.id, at, request.body.decode())
    assert request.headers["webhook-signature"] == signature


def test_each_wrong_one_is_wrong_as_it_says(target: Target) -> None:
    limit = target.description.limits.body_bytes
    assert len(outgoing(target, DELIVERY, Asks.WRONG, "too_large").body) == limit + 1
    assert json.loads(outgoing(target, DELIVERY, Asks.WRONG, "too_large").body) == {"a": 1}
    assert outgoing(target, DELIVERY, Asks.WRONG, "other_type").headers["content-type"] == "text/plain"
    assert "webhook-id" not in outgoing(target, DELIVERY, Asks.WRONG, "no_id").headers
    assert outgoing(target, DELIVERY, Asks.WRONG, "bad_source").path == "/webhooks/no%20source"
    with pytest.raises(json.JSONDecodeError):
        json.loads(outgoing(target, DELIVERY, Asks.WRONG, "broken").body)


def test_what_is_changed_afterwards_keeps_its_signature(target: Target) -> None:
    ids = {"WEBHOOK-ID": "msg_1-other", "webhook-id": "msg_1"}
    for name, order in (("another_id_before", list(ids)), ("another_id_behind", list(reversed(ids)))):
        headers = outgoing(target, DELIVERY, Asks.WRONG, name).headers
        assert [key for key in headers if key.lower() == "webhook-id"] == order
        assert ids.items() <= headers.items()
    assert len(outgoing(target, DELIVERY, Asks.WRONG, "head_too_large").headers["x-more"]) == 33_000
    trailing = outgoing(target, DELIVERY, Asks.WRONG, "signed_in_a_trailer")
    assert "webhook-signature" not in trailing.headers
    assert trailing.is_chunked
    assert signed_by(replace(trailing, headers={**trailing.headers, **trailing.trailers}), secrets(target)[0])
    assert len(outgoing(target, DELIVERY, Asks.WRONG, "nested").body) == 100_000


def test_the_unusual_are_signed_well(target: Target) -> None:
    described = target.description.right
    meant = {name: changed(DELIVERY, right) for name, right in described.items()}
    sent = {name: outgoing(target, delivery, Asks.DELIVER, name) for name, delivery in meant.items()}
    # This library takes no such number, and raises at a signature that is no base64, though a good one follows.
    readable = [name for name in sent if name not in ("long_number", "signed_once_more")]
    assert [name for name in readable if not signed_by(sent[name], secrets(target)[0])] == []
    assert {name: each.body for name, each in sent.items()} == {name: each.body for name, each in meant.items()}
    assert [meant[name].id for name in ("small_id", "capital_id")] == ["msg_1-case", "msg_1-CASE"]
    assert sent["in_chunks"].is_chunked
    assert sent["signed_twice"].headers["webhook-signature"].startswith("v0,AAAA v1,AAAA v1,")


@pytest.mark.parametrize(
    ("asks", "name", "then"),
    [
        (Asks.DELIVER, "", None),
        (Asks.WRONG, "no_id", None),
        (Asks.DELIVER, "pipelined", Then(next_path="/healthz", ahead_paths=("/healthz",) * 2)),
        (Asks.DELIVER, "garbage_behind", Then(behind=b"\0no request\r\n\r\n")),
        (Asks.WRONG, "reads_late", Then(rest=True, next_path="/healthz")),
        (
            Asks.WRONG,
            "reads_late_and_talks_nonsense",
            Then(rest=True, next_path="/healthz", nonsense=True),
        ),
        (Asks.WRONG, "refused_at_the_head", Then(next_path="/healthz")),
        (Asks.WRONG, "head_too_large_and_stays", Then(stays=True)),
    ],
)
def test_what_follows_on_the_connection_is_what_the_target_says(
    target: Target, asks: Asks, name: str, then: Then | None
) -> None:
    assert outgoing(target, DELIVERY, asks, name).then == then


@pytest.mark.parametrize("first", range(TURNS))
def test_all_have_their_turn(first: int) -> None:
    names = [str(number) for number in range(10)]
    turns = [name for turn in range(first, first + TURNS) for name in in_turn(names, turn)]
    assert sorted(turns) == names


@pytest.mark.parametrize(
    ("template", "change", "sent"),
    [
        ('{"id": "{id}"}', 'body = \'{"of": "{id}"}\'', b'{"of": "msg_1"}'),
        ('{"id": "{id}"}', "body = '[{id}'\nbody_times = 2", b"[msg_1[msg_1"),
        ('{"id": "{id}"}', "body_base64 = '/w=='", b"\xff"),
        ('{"id": "{id}"}', "body_bytes = 17", b'{"id": "msg_1"}  '),
        ('{"id": "{id}"}', "headers = { x-a = 'b' }", b'{"id": "msg_1"}'),
        ('{"is": {body}}', "body = '[]'", b'{"is": []}'),
        ('{"is": {body}}', "body_bytes = 9", b'{"is": {"a": 1} }'),
    ],
)
@pytest.mark.parametrize(("table", "asks"), [("right", Asks.DELIVER), ("wrong", Asks.WRONG)])
def test_another_body_is_the_whole_one_where_a_template_has_no_place_for_it(
    table: str, asks: Asks, template: str, change: str, sent: bytes, tmp_path: Path
) -> None:
    file = write_suite(tmp_path) / "scenarios" / "target.toml"
    path = 'path = "/{source}/{id}"\n'
    described = file.read_text("utf-8").replace(path, f"{path}body = '{template}'\n")
    file.write_text(f"{described}\n[{table}.one]\nabout = 'a'\n{change}\n", "utf-8")
    target = load_target(file)
    named = getattr(target.description, table)["one"]
    delivery = changed(DELIVERY, named) if asks is Asks.DELIVER else DELIVERY
    assert outgoing(target, delivery, asks, "one").body == sent


def test_a_read_shows_the_digest_of_what_was_sent(target: Target) -> None:
    answer = json.dumps({"body_base64": base64.b64encode(DELIVERY.body).decode()}, separators=(",", ":")).encode()
    assert shown(target, "delivery", answer) == DELIVERY.digest
    assert shown(target, "delivery", b"{}") == ""
    assert shown(target, "delivery", b'{"body_base64":"a"}') == "", "that is no base64"


@pytest.mark.parametrize("body", [b'{"a": "x"}', b'{"a": "a"}', b"[1]"])
def test_what_is_altered_is_signed_for_the_body_that_was_sent_before(target: Target, body: bytes) -> None:
    request = outgoing(target, replace(DELIVERY, body=body), Asks.WRONG, "altered")
    assert request.headers["webhook-id"] == DELIVERY.id
    assert json.loads(request.body)
    assert not signed_by(request, secrets(target)[0])
    assert signed_by(replace(request, body=body), secrets(target)[0])


@pytest.mark.parametrize("asks", [Asks.DELIVER, Asks.READ, Asks.WRONG, Asks.HEALTH])
def test_an_unknown_request_is_refused_with_those_that_there_are(target: Target, asks: Asks) -> None:
    with pytest.raises(UsageError, match=r"request: name = 'nothing': the target has no such request; .*valid: "):
        outgoing(target, DELIVERY, asks, "nothing")


@pytest.mark.parametrize(
    ("dated", "lacks"),
    [
        ("", ()),
        ("100.5", ()),
        ("1970-01-01T00:01:41Z", ()),
        ("1970-01-01T01:01:41+01:00", ()),
        ("1970-01-01T00:01:41", ()),
        ("99.8", ()),
        ("90", ("the time at which it was stored: 90 is 10.0 s before it was sent",)),
        ("1970-01-01T00:03:00Z", ("the time at which it was stored: 1970-01-01T00:03:00Z is in the future",)),
        ("today", ("a time that can be read: 'today'",)),
    ],
)
def test_when_an_answer_says_that_its_delivery_was_stored(dated: str, lacks: tuple[str, ...]) -> None:
    assert misdated(dated, after_s=100, before_s=102) == lacks
    assert misdated(dated, after_s=math.inf, before_s=102) == (), "it is not known when it was sent"


@pytest.mark.parametrize(
    ("name", "error", "away"),
    [
        ("ready", "connection refused", ("redis",)),
        ("ready", "", ()),
        ("alive", "connection refused", ()),
    ],
)
def test_what_an_answer_to_ready_says_to_be_away(target: Target, name: str, error: str, away: tuple[str, ...]) -> None:
    links = {"postgres": {"ok": True}, "redis": {"ok": False, "error": error}}
    answer = json.dumps({"status": "degraded", **links}, separators=(",", ":")).encode()
    assert told_away(target, name, answer) == away


def test_a_service_that_says_of_no_link_that_it_is_away(tmp_path: Path) -> None:
    target = load_target(write_suite(tmp_path) / "scenarios" / "target.toml")
    assert target.description.health.tells_away is None
    assert told_away(target, "ready", b"redis is away") == ()


@pytest.mark.parametrize("ahead_s", [0, 7200, -7200])
def test_an_answer_is_dated_by_the_services_clock(ahead_s: int) -> None:
    date = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead_s), usegmt=True)
    (found,) = dated_ahead_s([("age", "5"), ("date", date)])
    assert found == pytest.approx(ahead_s, abs=60)
    assert list(dated_ahead_s([("date", "yesterday"), ("age", date)])) == []
