"""What a loaded target gives: switches, commands, labels, requests."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.errors import UsageError
from harness.target import Delivery, Labels, Target, fill_in, load_target
from harness.target.sections.outcomes import OutcomeDescription, OutcomesDescription, unsaid
from harness.vocabulary import (
    ABSENT,
    ACKNOWLEDGED,
    ALREADY,
    CONFLICT,
    REFUSED,
    REJECTED,
    THROTTLED,
    UNKNOWN,
    Outcome,
)
from tests.target.support import changed, write


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return load_target(write(tmp_path))


@pytest.mark.parametrize(
    ("profile", "without", "settings"),
    [
        ("all", [], {}),
        ("all", ["pool.ping"], {"PING": "off"}),
        ("all", ["pool.ping", "retry"], {"PING": "by retry", "RETRY": "off"}),
        ("all", ["retry", "pool.ping"], {"PING": "off", "RETRY": "off"}),
        ("all", ["pool.ping:eager"], {"PING": "eager", "EXTRA": "1"}),
        ("bare", [], {"PING": "by profile", "RETRY": "off"}),
        ("bare", ["pool.ping"], {"PING": "off", "RETRY": "off"}),
    ],
)
def test_the_later_word_counts(target: Target, profile: str, without: list[str], settings: dict[str, str]) -> None:
    """First what the profile is without, then its own settings, then what the run is without."""
    assert target.settings(profile, without) == settings


PRELOAD = 'preload = ["json"]'


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ('["{python}", "-m", "small", "{postgres.url}"]', (sys.executable, "-m", "small")),
        ('["{python}", "small.py", "--quiet"]', (sys.executable, "small.py")),
        ('["small-service", "-m", "small"]', ("small-service", "-m", "small")),
    ],
)
def test_what_is_preloaded_is_the_commands_program(tmp_path: Path, command: str, program: tuple[str, ...]) -> None:
    described = changed('command = ["{python}", "-m", "small", "{postgres.url}"]', f"command = {command}\n{PRELOAD}")
    assert load_target(write(tmp_path, described)).program == program


@pytest.mark.parametrize("command", ['["small"]', '["{python}", "-c", "1"]', '["{python}", "-m", "{postgres.url}"]'])
@pytest.mark.parametrize("preload", [PRELOAD, 'preload_own = ["small"]'])
def test_what_cannot_be_forked_is_not_preloaded(tmp_path: Path, command: str, preload: str) -> None:
    described = changed('command = ["{python}", "-m", "small", "{postgres.url}"]', f"command = {command}\n{preload}")
    with pytest.raises(UsageError, match="not a Python program that can be forked") as raised:
        load_target(write(tmp_path, described))
    assert "leave preload out" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("profile", "without", "told"),
    [
        ("al", [], "--profile: name = 'al': no such profile; closest valid: 'all'; valid: all, bare"),
        ("all", ["pool.png"], "--without: name = 'pool.png': no such protection; closest valid: 'pool.ping'"),
        ("all", ["pool.ping:eagr"], "no such variant; closest valid: 'pool.ping:eager'"),
        ("all", ["retry:eager"], "no such variant; closest valid: 'retry'; valid: retry"),
        ("all", [""], "--without: name = '': no such protection"),
    ],
)  # fmt: skip
def test_unknown_names_are_told(target: Target, profile: str, without: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        target.settings(profile, without)
    assert told in caught.value.message
    assert caught.value.hint


def test_commands_are_filled_in(target: Target) -> None:
    words = {"postgres.url": "postgresql://a", "postgres.host": "127.0.0.1"}
    assert target.command(words) == (sys.executable, "-m", "small", "postgresql://a")
    assert target.prepare(words) == (sys.executable, "-m", "small.prepare", "127.0.0.1")
    assert target.directory == target.path.parent / "work"


def test_braces_that_are_no_placeholder_stay() -> None:
    assert fill_in("{a.b} {c} {} {1} {a.b}", {"a.b": "x"}) == "x {c} {} {1} x"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, ACKNOWLEDGED), (299, ACKNOWLEDGED), (202, REFUSED), (400, REFUSED), (499, REFUSED), (409, ACKNOWLEDGED),
        (503, REFUSED), (504, UNKNOWN), (500, UNKNOWN), (302, UNKNOWN), (100, UNKNOWN),
    ],
)  # fmt: skip
def test_an_exact_status_outranks_a_class(status: int, outcome: Outcome) -> None:
    outcomes = OutcomesDescription(
        acknowledged=OutcomeDescription(status=["2xx", "409"]),
        conflict=OutcomeDescription(status=["412"]),
        rejected=OutcomeDescription(status=["422"]),
        refused=OutcomeDescription(status=["4xx", "503", "202"]),
    )
    assert Labels(outcomes).label(status, (), b"").outcome is outcome


@pytest.mark.parametrize(
    ("status", "outcome", "of_a_read"),
    [
        (201, ACKNOWLEDGED, ACKNOWLEDGED), (404, REJECTED, ABSENT), (401, REJECTED, REJECTED),
        (409, CONFLICT, CONFLICT), (429, THROTTLED, THROTTLED), (503, REFUSED, REFUSED),
        (502, UNKNOWN, UNKNOWN), (302, UNKNOWN, UNKNOWN),
    ],
)  # fmt: skip
def test_answers_mean_what_http_says_by_default(status: int, outcome: Outcome, of_a_read: Outcome) -> None:
    labels = Labels(OutcomesDescription())
    assert labels.label(status, (), b"").outcome is outcome
    assert labels.label(status, (), b"", reads=True).outcome is of_a_read


SEVERAL_OF_400 = OutcomesDescription(
    already=OutcomeDescription(status=["400"], body="already (stored|known)"),
    throttled=OutcomeDescription(status=["400"], headers={"X-Limit": "reached"}),
    refused=OutcomeDescription.model_validate({"status": ["503"], "carries": ["Retry-After", "x-why"]}),
    conflict=OutcomeDescription(status=["409"], carries={"Retry-After": "^[1-9]$"}),
)


@pytest.mark.parametrize(
    ("headers", "body", "outcome"),
    [
        ((), b"already stored", ALREADY),
        ((("x-limit", "reached"),), b"", THROTTLED),
        ((("x-limit", "near"),), b"", REJECTED),
        ((), b"what is this?", REJECTED),
        ((), b"\xff\xfe", REJECTED),
    ],
)
def test_headers_and_body_tell_answers_of_one_status_apart(
    headers: Sequence[tuple[str, str]], body: bytes, outcome: Outcome
) -> None:
    assert Labels(SEVERAL_OF_400).label(400, headers, body).outcome is outcome


@pytest.mark.parametrize(
    ("described", "status", "outcome"),
    [
        ({"already": ["409"]}, 409, ALREADY),  # whoever does not compare bodies has no conflict
        ({"unknown": ["503"]}, 503, UNKNOWN),
        ({"refused": ["429", "503"]}, 429, REFUSED),
        ({"rejected": ["404"]}, 409, CONFLICT),
        ({"already": ["2xx"]}, 201, None),  # then nothing would be acknowledged
        ({"already": ["409"], "conflict": ["409"]}, 409, None),
    ],
)
def test_a_status_that_the_file_gives_to_one_outcome_is_no_longer_anothers_by_default(
    described: Mapping[str, Sequence[str]], status: int, outcome: Outcome | None
) -> None:
    text = {name: {"status": statuses} for name, statuses in described.items()}
    if outcome is None:
        with pytest.raises(ValidationError, match="means both"):
            OutcomesDescription.model_validate(text)
        return
    labels = Labels(OutcomesDescription.model_validate(text))
    assert labels.label(status, (), b"").outcome is outcome
    assert labels.label(404, (), b"", reads=True).outcome is ABSENT or "rejected" in described


def test_an_answer_lacks_the_headers_that_its_outcome_must_carry() -> None:
    labels = Labels(SEVERAL_OF_400)
    assert labels.label(503, (("x-why", "busy"),), b"").lacks == ("retry-after",)
    assert labels.label(503, (("x-why", ""), ("retry-after", "1")), b"").lacks == ()
    assert labels.label(200, (), b"").lacks == ()
    assert labels.label(409, (("retry-after", "5"),), b"").lacks == ()
    assert labels.label(409, (("retry-after", "0"),), b"").lacks == ("retry-after like ^[1-9]$",)


def test_an_answer_lacks_the_words_that_its_outcome_must_say() -> None:
    labels = Labels(OutcomesDescription(conflict=OutcomeDescription(status=["409"], says='"error": ?"[a-z]+"')))
    assert labels.label(409, (), b'{"error":"taken"}').lacks == ()
    assert labels.label(409, (), b'{"detail":"taken"}').lacks == ('a body like "error": ?"[a-z]+"',)


def test_an_answer_says_of_which_delivery_it_is() -> None:
    labels = Labels(OutcomesDescription(acknowledged=OutcomeDescription(status=["200"], says="id={id} sha={digest}")))
    about = {"id": "a+b", "digest": "00"}
    assert labels.label(200, (), b"id=a+b sha=00", words=about).lacks == ()
    assert labels.label(200, (), b"id=aab sha=00", words=about).lacks == (r"a body like id=a\+b sha=00",)
    assert labels.label(200, (), b"id=aab sha=00").lacks == (), "where it is not known, any will do"


def test_a_conflict_names_the_body_that_was_first() -> None:
    about = {"size": "9", "first_digest": "00"}
    assert unsaid("{first_digest} of {size} bytes", "00 of 9 bytes", about) == []
    assert unsaid("{first_digest} of {size} bytes", "11 of 9 bytes", about) == ["a body like 00 of 9 bytes"]


@pytest.mark.parametrize(
    "says", ['"id":"{id}"', "id={id} of {source}", "{id}[0-9]", "a.c {id}", "^{id}$", "(?i)ID={id}"]
)
@pytest.mark.parametrize("text", ['"id":"m.1"', "id=m.1 of shop", "id=m21 of shop", "m.17", "abc m.1", "m.1", "id=m.1"])
@pytest.mark.parametrize("words", [{"id": "m.1", "source": "shop"}, {"id": "m.1"}])
def test_text_is_looked_for_as_an_expression_is(says: str, text: str, words: dict[str, str]) -> None:
    """Where what an answer has to say is no more than text, no expression is compiled: the outcome is the same."""
    wanted = says.replace("{id}", r"m\.1").replace("{source}", words.get("source", ".*?"))
    assert bool(unsaid(says, text, words)) == (re.search(wanted, text) is None)


def test_an_answer_tells_when_its_delivery_was_stored() -> None:
    labels = Labels(OutcomesDescription(acknowledged=OutcomeDescription(status=["200"], dated="at=(?P<time>.*)")))
    assert labels.label(200, (), b"at=12.5").dated == "12.5"
    assert labels.label(200, (), b"").lacks == ("a body like at=(?P<time>.*)",)


def test_a_delivery_knows_its_digest() -> None:
    assert Delivery("a", "b", b"body").digest == hashlib.sha256(b"body").hexdigest()


def test_a_template_sends_the_raw_body(tmp_path: Path) -> None:
    http = 'http = { method = "PUT", path = "/{source}/{id}", headers = { x-digest = "{digest}", plain = "{}" } }'
    target = load_target(write(tmp_path, changed('python = "plain.py:Plain"', http), sender=None))
    delivery = Delivery("msg_1", "shop", b"\x00\xff")
    request = target.sender.request(delivery)
    assert (request.method, request.path, request.body) == ("PUT", "/shop/msg_1", b"\x00\xff")
    assert request.headers == {"x-digest": delivery.digest, "plain": "{}"}
    assert target.sender.settings() == {}


def test_a_template_puts_the_delivery_into_a_body_of_its_own(tmp_path: Path) -> None:
    body = """body = '{"title": "{id}", "of": {"{source}": 1}, "content": {body}, "again": "{base64}"}' """
    target = load_target(
        write(tmp_path, changed('python = "plain.py:Plain"', f'http = {{ path = "/", {body} }}'), sender=None)
    )
    content = {"text": "{id}, {base64} and {body} are no blanks here"}
    request = target.sender.request(Delivery("msg_1", "shop", json.dumps(content).encode()))
    sent = json.loads(request.body)
    again = json.loads(base64.b64decode(sent.pop("again")))
    assert sent == {"title": "msg_1", "of": {"shop": 1}, "content": content}
    assert again == content
