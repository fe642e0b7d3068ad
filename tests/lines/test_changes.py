"""What is changed, and what of it the scenarios are that ran it."""

from __future__ import annotations

import pytest

from tests.lines.changes import Lines, changes_of

TEXT = '''"""A module."""

LIMIT = print("not in a function")


def serve(waits: list[int]) -> None:
    """Serve."""
    total = 0
    if waits and (
        len(waits) > 1
    ):
        waits.pop()
        return
    total += 1
    print("ä", total)
'''
BY_LINE = {9: {"both", "one"}, 10: {"both", "one"}, 12: {"one"}, 13: {"one"}, 14: {"both"}, 15: {"a", "b", "c", "d"}}


def _changes(most: int = 3) -> list[tuple[str, int, str, set[str]]]:
    def run_by(lines: Lines) -> set[str]:
        return {each for line in lines for each in BY_LINE.get(line, ())}

    found = changes_of(TEXT, run_by, most=most)
    return [(each.kind, each.line, each.applied(TEXT), set(each.scenarios)) for each in found]


def test_each_statement_that_few_ran_is_changed_by_itself() -> None:
    assert [(kind, line, scenarios) for kind, line, _, scenarios in _changes()] == [
        ("always", 9, {"both", "one"}),
        ("never", 9, {"one"}),
        ("deleted", 12, {"one"}),
        ("deleted", 13, {"one"}),
        ("deleted", 14, {"both"}),
    ]
    assert [line for _, line, _, _ in _changes(most=4)][-1] == 15


def test_only_the_change_differs() -> None:
    always, never, pop, *_ = [text for _, _, text, _ in _changes()]
    condition = "waits and (\n        len(waits) > 1\n    )"
    assert always == TEXT.replace(condition, f"(True or ({condition}))")
    assert never == TEXT.replace(condition, f"(False and ({condition}))")
    assert pop == TEXT.replace("waits.pop()", "pass")


@pytest.mark.parametrize("number", range(6))
def test_a_changed_program_can_be_read(number: int) -> None:
    compile(_changes(most=4)[number][2], "changed", "exec")
