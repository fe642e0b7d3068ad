"""The templates of the pages. The template engine escapes everything that came from a service."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.present.looks import look
from harness.present.scales import milliseconds
from harness.results.revision import short
from harness.results.text import visible

_FOLDER = "page"
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the direction of the following text, so that it could look like another."""

_CUT = "\x1f"
_BETWEEN_WORDS = re.compile(r"(?<=[_./:\[-])(?=\w)|(?<=[(=])(?=['\"])")


def rendered(template: str, *, styles: str = "", script: str = "", **values: Any) -> str:
    """Render one page: a file that fetches nothing and runs no script but its own.

    Args:
        template: the template's file name.
        styles: names of style sheets, separated by spaces, in their order.
        script: names of scripts, likewise.
        values: what the template writes. It also gets `style`, `script` and `policy`.
    """
    style = "".join(_read(name) for name in styles.split())
    program = "".join(_read(name) for name in script.split())
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # noqa: S704  # our own file, with nothing put into it
            script=Markup(program),  # noqa: S704  # our own file, with nothing put into it
            policy=_policy(style, program),
            **values,
        )
    )


def rendered_parts(template: str, **values: Any) -> Sequence[str]:
    """Render a part of a page, and return it cut where the template writes `cut`.

    Text from a service cannot cut it, because control characters are written out.
    """
    cut = Markup(_CUT)  # noqa: S704  # our own character
    return _environment().get_template(template).render(cut=cut, **values).split(_CUT)


def _read(name: str) -> str:
    return (resources.files("harness.present") / _FOLDER / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Return a policy by which the browser fetches nothing and runs no other script."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@functools.cache
def _environment() -> Environment:
    """Return the one environment of this process: it keeps the templates that it has compiled."""
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ms": _ms, "at": _at, "pretty": _pretty, "plain": plain, "tone": _tone}
    environment.filters |= {"breakable": breakable, "short_revision": short}
    return environment


def compile_templates() -> None:
    """Compile every template. Forks of this process then need not: a report's take a tenth of a second."""
    for file in (resources.files("harness.present") / _FOLDER).iterdir():
        if file.name.endswith(".j2"):
            _environment().get_template(file.name)


def _shown(value: object) -> object:
    """Prepare a value for the page: control characters become visible."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def plain(text: str) -> str:
    """Remove characters that a reader cannot see."""
    return _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", visible(text))


def breakable(text: str) -> Markup:
    """A name that a narrow screen breaks between its words: `idle_<wbr>pool_<wbr>cut`."""
    return Markup("<wbr>").join(escape(plain(part)) for part in _BETWEEN_WORDS.split(text))


def _tone(verdict: str) -> str:
    """The colour class of a verdict."""
    return look(verdict).tone


def _ms(value: float | None) -> str:
    return "" if value is None else milliseconds(value)


def _at(seconds: float) -> str:
    """A moment, in seconds since the scenario began."""
    return f"{seconds:.3f}".replace("-", "\u2212")


def _pretty(data: Mapping[str, object]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, default=str)


def as_script_data(data: Any) -> Markup:
    """JSON that cannot end the script element that contains it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704  # no character of markup is left in it
