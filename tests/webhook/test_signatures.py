from __future__ import annotations

import base64
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from webhook.api.signatures import is_signed, sign

KEY, OTHER = b"a" * 32, b"b" * 32
STAMP = "1700000000"


def check(signatures: str, *, keys: tuple[bytes, ...] = (KEY,), body: bytes = b"{}", stamp: str = STAMP) -> bool:
    return is_signed(keys, delivery_id="id", timestamp=stamp, signatures=signatures, body=body)


@given(text=st.text(st.characters(codec="utf-8"), max_size=50))
def test_it_is_the_standards_signature(text: str) -> None:
    reference = Webhook(KEY).sign("id", datetime.fromtimestamp(int(STAMP), UTC), text)
    assert sign(KEY, delivery_id="id", timestamp=STAMP, body=text.encode()) == reference


def test_bytes_that_are_not_utf8_can_be_signed() -> None:
    assert check(sign(KEY, delivery_id="id", timestamp=STAMP, body=b"\xff"), body=b"\xff")


def test_each_signature_is_tried_with_each_key() -> None:
    good = sign(OTHER, delivery_id="id", timestamp=STAMP, body=b"{}")
    assert check(f"v1,AAAA {good}", keys=(KEY, OTHER))
    assert not check(good, keys=(KEY,))


def test_every_signed_part_counts() -> None:
    good = sign(KEY, delivery_id="id", timestamp=STAMP, body=b"{}")
    assert check(good)
    assert not check(good, body=b"{ }")
    assert not check(good, stamp="1700000001")
    assert not is_signed((KEY,), delivery_id="di", timestamp=STAMP, signatures=good, body=b"{}")


@given(st.text(max_size=60))
def test_nonsense_is_no_signature_and_no_error(text: str) -> None:
    assert not check(text)


def test_other_versions_and_too_many_do_not_count() -> None:
    good = sign(KEY, delivery_id="id", timestamp=STAMP, body=b"{}")
    encoded = good.removeprefix("v1,")
    assert not check(f"v1a,{encoded}")
    assert not check(f"v1,{base64.b64decode(encoded).hex()}")
    assert not check(" ".join(["v1,AAAA"] * 16 + [good]))
