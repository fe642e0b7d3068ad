from __future__ import annotations

from typing import Any

import pytest

from harness.documents import check_document
from harness.errors import UsageError
from harness.protocols.http.options import HttpOptions


def options(**answer: Any) -> HttpOptions:
    return check_document(
        HttpOptions, {"answers": [{"request": "POST /charges", **answer}]}, place="target: [servers.a]"
    )


def test_an_answer_is_200_with_nothing_in_it_unless_it_says_more() -> None:
    (answer,) = options().answers
    assert (answer.status, answer.body, answer.headers, answer.chunks) == (200, "", {}, [])


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"request": "/charges"}, "not a request's beginning"),
        ({"request": "post /charges"}, "write a method and a path"),
        ({"status": 100}, "status"),
        ({"status": 600}, "status"),
        ({"headers": {"Two words": "x"}}, "not a header of one line"),
        ({"headers": {"X": "a\nb"}}, "not a header of one line"),
        ({"headers": {"content-length": "5"}}, "the stub writes content-length itself"),
        ({"body": "a", "chunks": ["b"]}, "leave one of body and chunks out"),
        ({"chunks": [""]}, "chunks"),
        ({"status": 204, "body": "a"}, "an answer with 204 has no body"),
        ({"statsu": 200}, "closest valid: 'status'"),
    ],
)
def test_what_no_server_answers_is_refused(answer: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        options(**answer)
    assert problem in str(refused.value)
    assert "[servers.a" in str(refused.value)
