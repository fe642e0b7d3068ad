from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocols.contract.speech import FINGERPRINT_MAX, fingerprint


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("POST /charges", "POST /charges"),
        ("GET /v1/charges/8a1f/refunds", "GET /v1/charges/?/refunds"),
        ("GET /charges?limit=5&after=abc&limit=6", "GET /charges?after=?&limit=?"),
        ("GET /charges/?q", "GET /charges/?q=?"),
        ("DELETE /charges/", "DELETE /charges/"),
        ("OPTIONS *", "OPTIONS *"),
        ("CONNECT payments:443", "CONNECT ?"),
        ("GET /" + "a" * 33, "GET /?"),
        ("", ""),
    ],
)
def test_a_shape_has_no_values(text: str, shape: str) -> None:
    assert fingerprint("http", text) == shape


@given(st.text())
def test_any_text_has_a_shape(text: str) -> None:
    assert len(fingerprint("http", text)) <= FINGERPRINT_MAX
