from __future__ import annotations

import pytest

from harness import http, postgres, wire, wrong_length
from harness.errors import UsageError


def test_a_part_of_a_response_is_no_part_of_a_request() -> None:
    with pytest.raises(UsageError, match="is answered, not sent"):
        http.sent("POST /charges", message="Chunk")


def test_a_phase_of_other_protocols_is_refused() -> None:
    with pytest.raises(UsageError, match="no phase of http"):
        http.sent(phase="commit")


def test_a_status_is_refused_where_it_is_written() -> None:
    with pytest.raises(UsageError, match=r"wire\.fail: code = '40001': not a status"):
        wire.fail(http.sent("POST /charges"), code="40001")


def test_only_http_has_a_wrong_length() -> None:
    assert wrong_length(http.answered("POST /charges"), by=-1).by == -1
    with pytest.raises(UsageError, match=r"wrong_length: at = .*: only HTTP announces a length so"):
        wrong_length(postgres.answered("COMMIT"), by=1)
    with pytest.raises(UsageError, match="then the length is right"):
        wrong_length(http.answered("POST /charges"), by=0)
    with pytest.raises(UsageError, match="strikes only at what is answered"):
        wrong_length(http.sent("POST /charges"), by=1)
