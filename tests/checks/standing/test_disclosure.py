"""Which answers show a part of the service's code."""

from __future__ import annotations

import json

import pytest

from harness.checks.standing.self_reports.disclosure import STACK
from harness.vocabulary import REFUSED
from tests.checks.support import whole

PYTHON = 'Traceback (most recent call last):\n  File "/app/shop/main.py", line 7, in save\nOSError: gone'
NODE = "Error: gone\n    at save (file:///app/src/db.js:33:21)\n    at process.processTicks (node:internal/task:95:5)"
OTHERS = (
    "at async /app/src/server.js:12:3",
    "java.sql.SQLException: gone\n\tat shop.Store.save(Store.java:17)",
    "goroutine 17 [running]:\nmain.save()",
    "/app/shop.rb:7:in `save'",
    "thread 'main' panicked at src/main.rs:7:5",
    "at Shop.Save() in /app/Shop.cs:line 7",
    "#0 /app/shop.php(7): save()",
)


@pytest.mark.parametrize("text", [PYTHON, PYTHON.partition("\n")[2], NODE, *OTHERS])
def test_a_stack_is_found_in_any_language_also_in_json(text: str) -> None:
    assert STACK.search(text)
    assert STACK.search(json.dumps({"error": text}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "database connection lost, try again at 12:30:05",
        '{"type": "about:blank", "title": "Service Unavailable", "instance": "/orders/7"}',
        "File not found: report.pdf, line 3",
        "no parcel at http://127.0.0.1:8080/parcels/7",
    ],
)
def test_an_ordinary_refusal_shows_none(text: str) -> None:
    assert not STACK.search(text)


def test_what_an_acknowledged_read_shows_is_the_users() -> None:
    assert not whole().again("a", answer=PYTHON).failing() & {"hides_its_code"}
    assert whole().again("b", REFUSED, answer=PYTHON).failing() >= {"hides_its_code"}
