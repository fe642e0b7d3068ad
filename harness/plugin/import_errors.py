"""Says why a file of scenarios cannot be imported: the place and the problem, without pytest's own frames."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.results.places import shown


def import_error(problem: BaseException, file: Path, otherwise: str) -> str:
    """Describe the error that importing `file` raised. `otherwise`: pytest's own text, if pytest found the problem."""
    cause = problem.__cause__ if isinstance(problem, pytest.Collector.CollectError) else problem
    if cause is None:
        return f"{shown(str(file))}: cannot be collected: {otherwise}"
    if isinstance(cause, SyntaxError):
        return _syntax(cause, file)
    places = list(_places(cause))
    own = next((place for place in reversed(places) if Path(place[0]) == file), (str(file), 1))
    if isinstance(cause, HarnessError):
        return f"{_place(*own)}: {cause}"
    text = f"{_place(*own)}: {_named(cause)}"
    raised = places[-1] if places else own
    return text if raised == own else f"{text}\n  raised at {_place(*raised)}"


def _named(cause: BaseException) -> str:
    return "".join(traceback.format_exception_only(cause)).strip()


def _syntax(cause: SyntaxError, file: Path) -> str:
    text = f"{_place(cause.filename or str(file), cause.lineno or 1)}: {type(cause).__name__}: {cause.msg}"
    line = (cause.text or "").strip()
    return f"{text}\n  {line}" if line else text


def _places(cause: BaseException) -> Iterator[tuple[str, int]]:
    for frame, line in traceback.walk_tb(cause.__traceback__):
        yield frame.f_code.co_filename, line


def _place(file: str, line: int) -> str:
    return f"{shown(file)}:{line}"


__all__ = ["import_error"]
