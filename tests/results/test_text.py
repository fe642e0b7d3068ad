from __future__ import annotations

import pytest

from harness.results.text import listed, one_line, shortened, telling_lines, visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain 信号灯 é\n\ttab", "plain 信号灯 é\n\ttab"),
        ("\x1b[2J\r\x00\x7f", r"\x1b[2J\x0d\x00\x7f"),
        ("\ud800 \uffff \x9b", r"\ud800 \uffff \x9b"),
    ],
)
def test_only_what_can_be_seen_is_left(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_one_line_is_one_line() -> None:
    assert one_line("a\n  b\tc\x0bd") == r"a b c\x0bd"


@pytest.mark.parametrize(("width", "cut"), [(5, "abcde"), (4, "a..."), (2, "..")])
def test_a_cut_text_says_so_and_fits(width: int, cut: str) -> None:
    assert shortened("abcde", width) == cut


def test_lines_that_tell_of_trouble_come_first() -> None:
    assert telling_lines("one\nValueError: x\ntwo\nFATAL: y\nthree\n") == ("FATAL: y",)
    assert telling_lines("one\n\ntwo\n") == ("two",)
    assert telling_lines("") == ()


def test_of_a_traceback_the_exception_tells_whatever_it_is_called() -> None:
    frames = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    await it\n    ^^^^^\n'
    assert telling_lines(f"one\n{frames}shop.Gone: no tea\n", 9) == ("shop.Gone: no tea",)
    assert telling_lines(f"{frames}KeyboardInterrupt\nbye\n") == ("KeyboardInterrupt",)
    assert telling_lines(f"{frames}\n{frames}ValueError: x\n", 9) == ("ValueError: x",)
    assert telling_lines(frames) == (frames.splitlines()[0],), "it was cut off"


def test_colours_are_left_out() -> None:
    assert visible("\x1b[91m[ERROR] \x1b[39mrefused\x1b[K") == "[ERROR] refused\\x1b[K"


def test_a_line_of_routine_is_no_cause() -> None:
    asked = 'level=INFO msg="authenticated" uri=/v1'
    assert telling_lines(f"{asked}\nlevel=WARN msg=Unauthorized status=401\n{asked}\n") == (
        "level=WARN msg=Unauthorized status=401",
    )
    assert telling_lines(f'dial tcp: refused\n{asked}\n{{"level":"debug"}}\n[INFO] up\n') == ("dial tcp: refused",)
    assert telling_lines(f"{asked}\n") == ()
    assert telling_lines("informed of it\n") == ("informed of it",)


def test_of_nodes_loggers_the_level_is_a_number() -> None:
    """Pino's and bunyan's; Node's own advice says nothing about this run."""
    routine, advice = (
        '{"level":30,"msg":"up"}',
        "(Use `node --trace-warnings ...` to show where the warning was created)",
    )
    warned, wrong = '{"level":40,"msg":"relation is missing"}', '{"level":50,"msg":"unexpected"}'
    assert telling_lines("\n".join((wrong, warned, routine, advice))) == (wrong,)
    assert telling_lines("\n".join((warned, routine, advice))) == (warned,)
    assert telling_lines("\n".join((routine, advice))) == ()


@pytest.mark.parametrize(("names", "told"), [("", ""), ("ab", "a, b"), ("abc", "a, b, c"), ("abcd", "a, b and 2 more")])
def test_of_many_names_some_are_listed_and_the_rest_is_counted(names: str, told: str) -> None:
    assert listed(names, 2) == told


NODE = """\
      throw er; // Unhandled 'error' event
      ^

Error: Connection terminated unexpectedly
    at Connection.<anonymous> (/app/node_modules/pg/lib/client.js:204:73)
Emitted 'error' event on Client instance at:
    at Client._handleErrorEvent (/app/node_modules/pg/lib/client.js:422:10)

Node.js v20.20.2
"""
JAVA = """\
java.lang.IllegalStateException: no row
\tat shop.Errors.exceptionOf(Errors.java:7)
Caused by: java.sql.SQLException: closed
\tat org.postgresql.Driver.makeException(Driver.java:1)
\t... 3 more
"""


@pytest.mark.parametrize(
    ("log", "told"),
    [(NODE, "Error: Connection terminated unexpectedly"), (JAVA, "Caused by: java.sql.SQLException: closed")],
)
def test_a_stack_is_told_by_the_line_above_it(log: str, told: str) -> None:
    assert telling_lines(log) == (told,)
