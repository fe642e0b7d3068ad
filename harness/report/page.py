"""Puts the report's page together. Whatever came from a service is escaped by the template engine itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from harness.report.fault_maps import Drawn
from harness.report.grid import Grid
from harness.report.heat_map import HeatMap
from harness.report.past import Past
from harness.report.run_view import RunView
from harness.report.scales import milliseconds
from harness.report.sentence import Headline
from harness.results.reading import SummaryRead
from harness.results.text import visible

_FOLDER = "page"
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of what follows: a text could look like another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that the template writes. `links`: other files beside the report, by words.

    `maps_problem`: which of them there are not, and why.
    """

    summary: SummaryRead
    headline: Headline
    grid: Grid
    heat_map: HeatMap | None
    runs: Sequence[RunView]
    past: Past
    maps: Sequence[Drawn]
    maps_problem: str
    links: Sequence[tuple[str, str]]
    repeat: str


def page_text(page: Page) -> str:
    """Return the page: one file, that fetches nothing and runs no script but its own."""
    style, script = _read("report.css"), _read("report.js")
    template = _environment().get_template("report.html.j2")
    return template.render(
        page=page,
        style=Markup(style),  # noqa: S704  # our own file, with nothing put into it
        script=Markup(script),  # noqa: S704  # our own file, with nothing put into it
        policy=_policy(style, script),
    )


def broken_text(problem: str) -> str:
    """Return the page that stands in for a report that could not be made."""
    return _environment().get_template("broken.html.j2").render(problem=problem)


def _read(name: str) -> str:
    return (resources.files("harness.report") / _FOLDER / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """The browser itself sees to it that nothing is fetched, and that no other script runs."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ms": _ms, "at": _at, "pretty": _pretty, "plain": plain}
    return environment


def _shown(value: object) -> object:
    """Every value on its way into the page: control characters become visible."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def plain(text: str) -> str:
    """Without characters that a reader cannot see."""
    return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", visible(text))


def _ms(value: float | None) -> str:
    return "" if value is None else milliseconds(value)


def _at(seconds: float) -> str:
    """A moment, in seconds since the scenario began."""
    return f"{seconds:.3f}".replace("-", "\u2212")


def _pretty(data: Mapping[str, object]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, default=str)
