"""Shows on a terminal what is worse than in the baseline."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.differences import Kind
from harness.present.looks import BAD, BOLD, DIM, look
from harness.present.terminal.pieces import Line
from harness.results.text import counted, one_line
from harness.suite.verbs.baseline import Accepted, Compared


def baseline_lines(compared: Compared) -> Iterator[Line]:
    """Return one line for each thing that is worse, or one line that says that nothing is."""
    if compared.differences:
        yield [(f"worse than {compared.file}: {counted(len(compared.differences), 'difference')}", BAD)]
    else:
        yield [(f"nothing is worse than {compared.file}", DIM)]
    for each in compared.differences:
        looks = look("inconclusive" if each.kind is Kind.INCONCLUSIVE else "failed")
        yield [(f"x {each.kind.value:18} ", looks.style), (one_line(each.sentence), "")]
    if compared.new:
        names = ", ".join(compared.new)
        yield [("not in the baseline yet: ", DIM), (names, BOLD), (" (accept a run that has them)", DIM)]


def accepted_lines(done: Accepted) -> Iterator[str]:
    """Return what the new baseline contains, and how it differs from the old one."""
    old, new = done.old, done.new
    counts = f"{counted(len(new.scenarios), 'scenario')}, {counted(len(new.protections), 'protection')}"
    yield f"{done.path}: {counts}"
    if old is None:
        yield "new: commit it"
        return
    names = old.scenarios.keys() | new.scenarios.keys()
    for name in sorted(names):
        was, is_now = old.scenarios.get(name), new.scenarios.get(name)
        if was != is_now:
            yield f"  {'new' if was is None else 'gone' if is_now is None else 'changed'}: {name}"
    if old.fault_space_points != new.fault_space_points:
        before, now = (each.fault_space_points or "none" for each in (old, new))
        yield f"  points of the fault space: {before} before, {now} now"
    for name in sorted(old.protections.keys() ^ new.protections.keys()):
        yield f"  {'proved' if name in new.protections else 'no longer proved'}: {name}"
    yield "commit it" if old != new else "nothing has changed"
