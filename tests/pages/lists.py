"""The lists of faults, checks and verbs in docs/: made from the code, and committed, so that they read as text.

`python -m tests.pages.lists` writes them anew, between `<!-- list: NAME -->` and `<!-- end of list -->`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping

from harness.checks import STANDING
from harness.cli.main import harness
from harness.cli.verbs.setup.faults import signature
from harness.faults import Fault
from harness.faults.example import any_ground
from tests.pages.support import ROOT

COMMAND = "python -m tests.pages.lists"
PAGES = tuple(ROOT / "docs" / name for name in ("faults.md", "checks.md", "command-line.md"))
PLACE = re.compile(r"(<!-- list: (?P<name>\w+) -->\n).*?(<!-- end of list -->)", re.DOTALL)
Row = tuple[str, str]


def page_with_lists(text: str) -> str:
    """The page with every list as the code has it."""
    return PLACE.sub(lambda place: f"{place[1]}\n{table(place['name'])}\n{place[3]}", text)


def table(name: str) -> str:
    """One list as a Markdown table."""
    head, rows = LISTS[name]
    lines = (f"| `{_cell(code)}` | {_cell(told)} |\n" for code, told in rows())
    return f"| {head} | what it does |\n|---|---|\n{''.join(lines)}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def faults() -> Iterator[Row]:
    """Each fault as a scenario writes it. Tests have faults of their own, which are registered, too."""
    for _, fault in sorted(Fault.kinds().items()):
        if not fault.__module__.startswith("harness."):
            continue
        example = fault.example(any_ground(fault))
        yield repr(example.fault) if example else signature(fault), _first_line(fault)


def checks() -> Iterator[Row]:
    """Each standing check."""
    for check in STANDING:
        yield check.name, check.doc.split("\n\n")[0]


def verbs() -> Iterator[Row]:
    """Each verb of the command line."""
    for name, command in sorted(harness.commands.items()):
        yield f"harness {name}", command.get_short_help_str(limit=200)


def _first_line(documented: type) -> str:
    return inspect.cleandoc(documented.__doc__ or "").splitlines()[0]


LISTS: Mapping[str, tuple[str, Callable[[], Iterator[Row]]]] = {
    "faults": ("fault", faults), "checks": ("check", checks), "verbs": ("command", verbs),
}  # fmt: skip


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(page_with_lists(each.read_text("utf-8")), "utf-8")
