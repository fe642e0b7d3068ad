"""`harness faults`: lists what can be made to go wrong."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator

import click

from harness.exit_status import ExitStatus
from harness.faults import Fault
from harness.faults.example import any_ground
from harness.vocabulary import Value

SEVERAL = re.compile(r"tuple\[(\w+), \.\.\.\]")


@click.command()
def faults() -> ExitStatus:
    """List the faults: arguments, what each does, an example, what proves that it took effect, what it needs."""
    for line in fault_lines():
        click.echo(line)
    return ExitStatus.HELD


def fault_lines() -> Iterator[str]:
    """Yield one line per fault's call, and below it what its class says."""
    for _, fault in sorted(Fault.kinds().items()):
        yield signature(fault)
        yield f"    {inspect.cleandoc(fault.__doc__ or '').splitlines()[0]}"
        for word, text in facts(fault):
            yield f"    {word}: {text}"


def facts(fault: type[Fault]) -> Iterator[tuple[str, str]]:
    """Yield what a fault's class says besides its docstring: `("example", "link.cut(postgres): cut every ...")`."""
    example = fault.example(any_ground(fault))
    if example is not None:
        yield "example", f"{example.fault!r}: {example.fault.words()}"
    for each in fault.evidence:
        yield "proved by", f"{each.kind} ({each.source}): {each.words}"
    if needs := fault.shown_needs():
        yield "needs", ", ".join(needs)


def signature(value: type[Value]) -> str:
    """Return the call that makes such a value, as a scenario writes it: `link.down(link: Link)`."""
    return f"{value.kind}({', '.join(_arguments(value))})" if dataclasses.fields(value) else value.kind


def _arguments(value: type[Value]) -> Iterator[str]:
    keyword_only = False
    # A required inherited field comes before the class's other fields.
    for field in sorted(dataclasses.fields(value), key=lambda field: bool(field.kw_only)):
        if field.kw_only and not keyword_only:
            keyword_only = True
            yield "*"
        default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
        several = SEVERAL.fullmatch(str(field.type))
        yield f"*{field.name}: {several[1]}" if several else f"{field.name}: {field.type}{default}"
