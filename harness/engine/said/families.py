"""Reads which families of metrics there are, and which series each shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from harness.history.events import FamilySaid

HEAD = re.compile(r"# (?P<what>HELP|TYPE) (?P<name>\S+) ?(?P<text>.*)")
SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?P<labels>\{.*\})? ")
CREATED = "_created"
"""Families that only say since when others exist."""
SUFFIXES = ("_bucket", "_count", "_sum", "_created", "_total", "")


def families_said(first: str, later: str) -> Sequence[FamilySaid]:
    """Describe the families of two readings. Series that only the second shows are in `later`."""
    before, after = _read(first), _read(later)
    found: list[FamilySaid] = []
    for name, (kind, about, shown) in {**before, **after}.items():
        if name.endswith(CREATED):
            continue
        at_first = before[name][2] if name in before else set()
        found.append(FamilySaid(name, kind, about, tuple(sorted(at_first)), tuple(sorted(shown - at_first))))
    return found


def _read(text: str) -> Mapping[str, tuple[str, str, set[str]]]:
    """For each family its type, its help and its series, without the family's name."""
    kinds: dict[str, str] = {}
    about: dict[str, str] = {}
    series: dict[str, set[str]] = {}
    for line in text.split("\n"):
        head = HEAD.match(line)
        if head is not None:
            (about if head["what"] == "HELP" else kinds)[head["name"]] = head["text"]
            series.setdefault(head["name"], set())
        elif (sample := SAMPLE.match(line)) is not None:
            family = _family_of(sample["name"], series)
            series.setdefault(family, set()).add(sample["name"].removeprefix(family) + (sample["labels"] or ""))
    return {name: (kinds.get(name, ""), about.get(name, ""), shown) for name, shown in series.items()}


def _family_of(name: str, known: Mapping[str, object]) -> str:
    """The family of a sample: it has the sample's name, perhaps without one of Prometheus' suffixes."""
    candidates = (name, *(name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)))
    return next((each for each in candidates if each in known), name)


__all__ = ["families_said"]
