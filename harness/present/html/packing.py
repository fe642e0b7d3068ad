"""Compresses the parts of the page that are only seen when a reader opens a run. The page's script unpacks them.

A pack is ordered by section, with all timelines together and all checks together: similar text compresses best when it
is near. In this way the page of a whole `ablate` has four megabytes instead of thirty.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.present.html.parallel import made_in_shares, shares_for
from harness.present.html.runs.view import RunView
from harness.present.templates import rendered_parts

PACK_CHARACTERS = 1_000_000
"""A pack is closed at this size: it is unpacked as a whole when the first of its runs is opened."""

Sections = Sequence[str]
"""What the page shows of a run, as HTML, cut between its sections."""


@dataclass(frozen=True, slots=True)
class Packed:
    """`packs`: each a gzip of JSON, in base64: sections, each with its text of every run. `places`: by `RunView.place`.

    A place is the pack, and the run's position in each of its sections.
    """

    packs: Sequence[str]
    places: Mapping[int, tuple[int, int]]


def packed(runs: Sequence[RunView]) -> Packed:
    """Pack the runs that must be packed."""
    packs: list[str] = []
    places: dict[int, tuple[int, int]] = {}
    for group in _groups([view for view in runs if view.packed]):
        places |= {view.place: (len(packs), number) for number, (view, _) in enumerate(group)}
        packs.append(_compressed([sections for _, sections in group]))
    return Packed(packs, places)


def _groups(views: Sequence[RunView]) -> Iterator[Sequence[tuple[RunView, Sections]]]:
    group: list[tuple[RunView, Sections]] = []
    size = 0
    made = made_in_shares(lambda view: rendered_parts("packed.html.j2", view=view), views, shares_for(len(views)))
    for view, sections in zip(views, made, strict=True):
        group.append((view, sections))
        size += sum(map(len, sections))
        if size >= PACK_CHARACTERS:
            yield group
            group, size = [], 0
    if group:
        yield group


def _compressed(runs: Sequence[Sections]) -> str:
    by_section = list(zip(*runs, strict=True))
    text = json.dumps(by_section, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")
