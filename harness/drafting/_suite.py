"""Writes the standard suite as a Python file that the user can change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.drafting._source import LONGEST, body_of, constant_lines, words_in
from harness.standard import Planned, StandardSuite

HEAD = '''"""What may happen on the links of {target}: the harness's standard suite, yours to change.

`harness gate --suite standard` makes the same scenarios from the target each time.
"""

{imports}'''


def suite_source(suite: StandardSuite, target: str, protection: Callable[[Planned], str | None]) -> str:
    """Return the file's text: each scenario under the id that it has in the standard suite.

    `target`: its name. `protection`: what a scenario might prove; the author must complete it. None if the target has
    none.
    """
    constants: dict[str, str] = {}
    own = [each for each in suite.planned if not each.fails]  # such a scenario reports only this recording
    functions = [[*_lines(each, protection(each), constants)] for each in own]
    body = "\n\n\n".join("\n".join(lines) for lines in functions)
    marks = [mark for mark in ("nightly", "proves") if f"\n@{mark}(" in f"\n{body}"]
    code = "\n".join(line for lines in functions for line in lines if not line.lstrip().startswith('"""'))
    head = HEAD.format(target=target, imports=_imports(words_in(code, ["Lab", *marks])))
    named = [line for text, name in constants.items() for line in constant_lines(name, text)]
    return "\n".join([head, *(["", *named] if named else []), "", "", body, ""])


def _imports(words: Sequence[str]) -> str:
    line = f"from harness import {', '.join(words)}"
    if len(line) <= LONGEST:
        return line
    return "\n".join(["from harness import (", *(f"    {word}," for word in words), ")"])


def _lines(planned: Planned, protection: str | None, constants: dict[str, str]) -> Iterator[str]:
    if protection is not None:
        yield f'@proves("{protection}", fails="outcome", match="TODO")'
    if planned.nightly:
        yield f'@nightly("{planned.nightly}")'
    yield f"async def test_{planned.id}(lab: Lab) -> None:"
    yield f'    """{planned.about}"""'
    yield from body_of(planned.id, planned.moves, constants)
