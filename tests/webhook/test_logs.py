from __future__ import annotations

import io
import json

from webhook.logs import Log, describe


def test_an_exception_is_told_with_all_its_causes() -> None:
    error = ValueError("outer\nsecond line")
    error.__context__ = ConnectionResetError(104, "reset")
    assert describe(error) == "ValueError: outer second line <- ConnectionResetError: [Errno 104] reset"


def test_what_was_replaced_on_purpose_is_left_out() -> None:
    error = ValueError("outer")
    error.__context__ = KeyError("inner")
    error.__suppress_context__ = True
    assert describe(error) == "ValueError: outer"


def test_statements_and_parameters_are_left_out() -> None:
    assert describe(ValueError("it broke\n[SQL: INSERT]\n[parameters: secret]")) == "ValueError: it broke"


def test_a_circle_ends() -> None:
    first, second = ValueError("1"), KeyError("2")
    first.__cause__, second.__cause__ = second, first
    assert describe(first) == "ValueError: 1 <- KeyError: '2'"


def test_a_line_is_one_json_object() -> None:
    stream = io.StringIO()
    Log(stream).warning("refused", delivery="a\nb", error="\ud800")
    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["level"], entry["event"], entry["delivery"]) == ("warning", "refused", "a\nb")
