from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.support import KEY, signed
from webhook.api.inspection import Inspector, check_json
from webhook.api.rejections import RejectedError

NOW = 1_700_000_000
OWN = b"o" * 32
HEADERS = {
    "content-type": "application/json",
    "webhook-id": "msg_1",
    "webhook-timestamp": str(NOW),
    "webhook-signature": "v1,AAAA",
}


def inspector() -> Inspector:
    return Inspector(
        keys=(KEY,), keys_of={"shop": (OWN,), "old": (KEY,)}, body_limit_bytes=100, tolerance_s=300, clock=lambda: NOW
    )


def head(source: str = "shop", **changes: str) -> dict[str, str]:
    headers = HEADERS | {name.replace("_", "-"): value for name, value in changes.items()}
    return inspector().check_head(source, [(name.encode(), value.encode()) for name, value in headers.items()])


def rejected(source: str = "shop", **changes: str) -> tuple[int, str]:
    with pytest.raises(RejectedError) as caught:
        head(source, **changes)
    return caught.value.rejection.status, caught.value.rejection.error


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "Application/JSON ; charset=UTF-8",
        "application/cloudevents+json",
        'application/json;charset="utf-8"',
        "application/json; a=b; charset = utf8;",
        'application/json; a="; charset=utf-16"; charset=utf-8',
    ],
)
def test_json_by_any_name(media_type: str) -> None:
    assert head(content_type=media_type)["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    "media_type", ["", "text/json", "application/jsonx", "application/x-www-form-urlencoded", "+json"]
)
def test_other_types(media_type: str) -> None:
    assert rejected(content_type=media_type) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "parameters",
    [
        "charset=latin-1",
        "a=b; charset=utf-16",
        'a="b;c"; charset=utf-16',
        "charset = latin-1",
        "CHARSET\t=\tlatin-1",
        "charset=utf-8; charset=utf-16",
        "charset",
        "charset=",
        'charset="utf-8',
        "a=b charset=utf-16",
        "=utf-16",
    ],
)
def test_other_charsets_wherever_they_stand(parameters: str) -> None:
    assert rejected(content_type=f"application/json; {parameters}") == (415, "unsupported_media_type")


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_parameters_of_any_kind_are_taken_or_rejected(parameters: str) -> None:
    try:
        assert head(content_type=f"application/json;{parameters}")["webhook-id"] == "msg_1"
    except RejectedError as error:
        assert error.rejection.status == 415  # noqa: PT017  # either will do, and which of them is not known here


@pytest.mark.parametrize(
    ("source", "key", "good"), [("shop", OWN, True), ("shop", KEY, False), ("bank", KEY, True), ("bank", OWN, False)]
)
def test_a_source_with_keys_of_its_own(source: str, key: bytes, good: bool) -> None:
    headers = signed("msg_1", b"{}", key=key, timestamp=str(NOW))
    if good:
        assert inspector().accept(source, headers, b"{}").source == source
        return
    with pytest.raises(RejectedError, match="No signature matches"):
        inspector().accept(source, headers, b"{}")


@pytest.mark.parametrize("source", ["", "a b", "a.b", "ü", "a\0", "a" * 65, "a\n"])
def test_sources(source: str) -> None:
    assert rejected(source) == (400, "invalid_source")


@pytest.mark.parametrize("identity", ["a b", "a.b", "a/b", "a\0b", "a" * 129, "a\n"])
def test_ids(identity: str) -> None:
    assert rejected(webhook_id=identity)[0] == 400


@pytest.mark.parametrize("stamp", ["-1", "1e9", "1.5", "nan", "0x10", "1" * 13, "\uff11"])
def test_timestamps(stamp: str) -> None:
    assert rejected(webhook_timestamp=stamp)[0] == 400


@pytest.mark.parametrize(("length", "status"), [("101", 413), ("9" * 400, 413), ("-1", 400), ("1_0", 400)])
def test_lengths(length: str, status: int) -> None:
    assert rejected(content_length=length)[0] == status


@pytest.mark.parametrize(("shift_s", "error"), [(-301, "old"), (301, "new"), (-300, None), (300, None)])
def test_the_tolerance_has_two_sides(shift_s: int, error: str | None) -> None:
    headers = signed("msg_1", b"{}", timestamp=str(NOW + shift_s))
    if error is None:
        assert inspector().accept("bank", headers, b"{}").id == "msg_1"
        return
    with pytest.raises(RejectedError, match=f"too {error}"):
        inspector().accept("bank", headers, b"{}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_all_json_passes(value: object) -> None:
    check_json(json.dumps(value).encode())


@given(st.binary(max_size=40))
def test_bytes_are_json_or_rejected(body: bytes) -> None:
    try:
        check_json(body)
    except RejectedError:
        return
    json.loads(body.decode())


@pytest.mark.parametrize("body", [b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"), b"[Infinity]", b"[1,]", b"", b"\xff"])
def test_near_misses(body: bytes) -> None:
    with pytest.raises(RejectedError):
        check_json(body)
