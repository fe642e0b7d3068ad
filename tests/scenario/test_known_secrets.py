"""A secret is found in whatever form a program writes it, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harness.engine.known_secrets import OF_BODY, SOUGHT, KnownSecrets, known_secrets
from harness.target import OutgoingRequest
from harness.target.sections.secrets import SecretsDescription

KEY = bytes(range(200, 224))
WRITTEN = f"whsec_{base64.b64encode(KEY).decode()}"
BODY = b'{"number": 10000000000000000000000000, "padding": "abcDEF123456ghiJKL"}'
SIGNED = OutgoingRequest("POST", "/", {"Webhook-Signature": "v1,c2lnbmF0dXJlIG9mIGEgYm9keQ=="}, BODY)


def known(*, bodies: bool = True) -> KnownSecrets:
    described = SecretsDescription(settings=["KEYS", "SHORT"], headers=["webhook-signature"], bodies=bodies)
    found = known_secrets(
        described, {"KEYS": f"neighbour:{WRITTEN},x", "SHORT": "abc"}, {"postgres": "0123456789abcdef"}
    )
    found.sent(SIGNED)
    return found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("url=postgresql://role:0123456789abcdef@127.0.0.1:5432/db", "the password on postgres"),
        (f"settings: {WRITTEN}", "KEYS"),
        (f"keys=({KEY!r},)", "KEYS"),
        (json.dumps({"keys": str(KEY)}), "KEYS"),
        (KEY.hex(), "KEYS"),
        ("forged: v1,c2lnbmF0dXJlIG9mIGEgYm9keQ==", "the header webhook-signature"),
        ('parameters: (\'a\', b\'{"number": 1, "padding": "abcDEF123456ghi...', "a body"),
    ],
)
def test_a_secret_is_found(text: str, what: str) -> None:
    (shown,) = known().shown_in(f"before\n{text} after\n", "the log")
    assert (shown.what, shown.where) == (what, "the log")
    assert "[...]" in shown.excerpt
    assert "before" not in shown.excerpt


@pytest.mark.parametrize(
    "text",
    ["", "neighbour", "10000000000000000000000000", "postgres__12 abc", "v1,whsec_", "abcDEF12345", KEY.hex()[:11]],
)
def test_what_is_no_secret_is_not_found(text: str) -> None:
    assert list(known().shown_in(text, "the log")) == []


def test_an_excerpt_does_not_tell_the_secret() -> None:
    shown = [each.excerpt for each in known().shown_in(f"at {WRITTEN} and {BODY.decode()}", "the log")]
    assert len(shown) == 2
    assert all(WRITTEN[6:18] not in each and "abcDEF123456" not in each for each in shown)


@given(st.text(alphabet="01aZ-", max_size=60))
def test_the_first_part_of_a_body_that_is_long_enough_and_no_number_is_its_secret(text: str) -> None:
    parts = [part for part in re.findall(r"[01aZ]+", text) if len(part) >= SOUGHT and not part.isdecimal()]
    found = OF_BODY.search(text.encode())
    assert (found and found[0].decode()) == (parts[0][:SOUGHT] if parts else None)


def test_a_body_that_is_one_long_number_has_no_secret() -> None:
    number = b"1" * 200_000  # tried at each digit anew, this would not end
    found = KnownSecrets(SecretsDescription(bodies=True))
    found.sent(OutgoingRequest("POST", "/", {}, number))
    assert len(found) == 0


def test_an_acknowledgement_may_show_a_body_and_no_signature() -> None:
    text = f"{BODY.decode()} {SIGNED.headers['Webhook-Signature']}"
    assert [each.what for each in known().shown_in(text, "an answer", may_show_bodies=True)] == [
        "the header webhook-signature"
    ]


def test_bodies_are_secret_only_by_the_targets_word() -> None:
    assert list(known(bodies=False).shown_in(BODY.decode(), "the log")) == []
    assert len(KnownSecrets(SecretsDescription())) == 0


WORD = "correct-horse-battery"
NAME = "the-name-of-a-neighbour"


@pytest.mark.parametrize(
    "value",
    [
        f"{NAME}:{WORD}",
        f"{NAME}={WORD}, another-long-name={WORD}",
        f"postgresql://{NAME}:{WORD}@a-database.example.com:5432/{NAME}?application_name={NAME}",
        f"host={NAME} user={NAME} password={WORD}",
        f"https://{WORD}@{NAME}.example.com/123",
        f"https://{NAME}.example.com/hooks?name={NAME}&token={WORD}",
        f"https://{NAME}.example.com/{WORD}",
        f'{{"{NAME}": "{WORD}"}}',
        f"amqp://{NAME}:{WORD}@one.example.com/{NAME},amqp://{NAME}:{WORD}@two.example.com/{NAME}",
        WORD,
    ],
)
def test_only_what_is_secret_in_a_setting_counts(value: str) -> None:
    found = known_secrets(SecretsDescription(settings=["KEYS"]), {"KEYS": value}, {})
    assert [each.what for each in found.shown_in(f"it is {WORD}", "the log")] == ["KEYS"]
    told = f"{NAME} a-database.example.com one.example.com another-long-name application_name"
    assert list(found.shown_in(told, "the log")) == []


def test_a_target_says_which_part_of_a_setting_is_secret() -> None:
    described = SecretsDescription(settings=["KEYS"], parts={"KEYS": r"(?P<secret>[\w-]+)@"})
    found = known_secrets(described, {"KEYS": f"{WORD}@{NAME} other-secret-word@{NAME}"}, {})
    assert list(found.shown_in(NAME, "the log")) == []
    for secret in (WORD, "other-secret-word"):
        assert [each.what for each in found.shown_in(secret, "the log")] == ["KEYS"]


@given(st.binary(min_size=SOUGHT, max_size=40))
@example(b"\xff\xf0" + bytes(11))  # with its name before it, this one looks like a URL: name://8AAAAA...
def test_base64_with_its_padding_is_sought_whole(key: bytes) -> None:
    written = base64.b64encode(key).decode()
    assume(not re.fullmatch("//[a-z0-9]*", written))  # that is a URL: nobody can see that it is a key
    found = known_secrets(SecretsDescription(settings=["KEYS"]), {"KEYS": f"{NAME}:{written}"}, {})
    assert len(list(found.shown_in(json.dumps(f"{key.hex()}"), "the log"))) == 1
