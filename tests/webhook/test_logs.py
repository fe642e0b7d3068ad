from __future__ import annotations

import errno
import io
import json
import logging
from typing import Any

import pytest

from webhook.logs import Bridge, Log, describe


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


def bridged(name: str, level: int, error: Exception | None) -> dict[str, Any]:
    stream = io.StringIO()
    info = (type(error), error, None) if error else None
    Bridge(Log(stream)).emit(logging.LogRecord(name, level, "", 0, "words\n", (), info))
    entry: dict[str, Any] = json.loads(stream.getvalue())
    return entry


@pytest.mark.parametrize(
    ("name", "level", "error", "told"),
    [
        ("asyncio", logging.ERROR, None, "error"),
        ("asyncio", logging.ERROR, OSError(5, "x"), "error"),
        ("asyncio", logging.WARNING, None, "warning"),
        # A connection broke while it was handed back: the pool has dealt with it.
        ("sqlalchemy.pool.impl.AsyncAdaptedQueuePool", logging.ERROR, OSError(5, "x"), "warning"),
        # "The garbage collector is trying to clean up non-checked-in connection": a leak.
        ("sqlalchemy.pool.impl.AsyncAdaptedQueuePool", logging.ERROR, None, "error"),
    ],
)
def test_what_libraries_log_is_an_error_unless_it_was_dealt_with(
    name: str, level: int, error: Exception | None, told: str
) -> None:
    entry = bridged(name, level, error)
    assert (entry["level"], entry["event"], entry["logger"]) == (told, "words", name)
    assert ("traceback" in entry) is (error is not None and told == "error")


def test_a_log_that_takes_nothing_fails_nobody_and_is_counted() -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    log = Log(Full())
    log.info("listening")
    log.alarm("refused")
    assert log.lost == 2


def test_a_line_that_was_lost_costs_no_later_one() -> None:
    class FullAtFirst(io.StringIO):
        def __init__(self) -> None:
            super().__init__()
            self.full = True

        def write(self, text: str, /) -> int:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    stream = FullAtFirst()
    log = Log(stream)
    log.info("listening")
    stream.full = False
    log.alarm("refused")
    assert ([json.loads(line)["event"] for line in stream.getvalue().splitlines()], log.lost) == (["refused"], 1)
