"""Directives that write down what the harness has registered: kinds of values, and checks."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import get_args

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from harness.checks import STANDING
from harness.cli.verbs.setup.faults import facts, signature
from harness.engine.steps import Step
from harness.faults import Fault
from harness.history.events import Event
from harness.vocabulary import Link, Value
from harness.vocabulary.links import WORDS
from harness.vocabulary.messages import Direction, Phase

FAMILIES: dict[str, type[Value]] = {"fault": Fault, "step": Step, "event": Event}


NAPOLEON = Config(napoleon_use_param=False, napoleon_use_rtype=False)


class Kinds(SphinxDirective):
    """`kinds FAMILY [PREFIX]`: every registered kind of it, in the order of their classes, as a call is written."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give the entries; none is an error."""
        family, prefix = FAMILIES[self.arguments[0]], "".join(self.arguments[1:])
        found = [one for kind, one in family.kinds().items() if kind.startswith(prefix)]
        if not found:
            raise self.error(f"nothing is registered for {' '.join(self.arguments)}")
        return self.parse_text_to_nodes("\n\n".join(_entry(signature(one), _told(one)) for one in found))


class Checks(SphinxDirective):
    """`checks`: every standing check, in the order in which they are told."""

    def run(self) -> list[nodes.Node]:
        """Give an entry for each."""
        entries = (_entry(check.name, check.doc) for check in STANDING)
        return self.parse_text_to_nodes("\n\n".join(entries))


class Messages(SphinxDirective):
    """`messages`: what a single message may be called, by protocol and direction, and where a connection may stand."""

    def run(self) -> list[nodes.Node]:
        """Give an entry for each protocol and direction, and one for the phases."""
        entries = [_messages(link, direction) for link in WORDS.all().values() for direction in get_args(Direction)]
        phases = f"phase=\n   {_quoted(get_args(Phase))}"
        return self.parse_text_to_nodes("\n\n".join([*entries, phases]))


def _messages(link: type[Link], direction: Direction) -> str:
    known = link.names[direction]
    return f"{link.protocol}.{direction}\n   {_quoted(known) if known else link.open_names}"


def _quoted(names: Sequence[str]) -> str:
    return f"``{'``, ``'.join(names)}``."


def _told(kind: type[Value]) -> str:
    more = [f"{word.capitalize()}: {text}." for word, text in facts(kind)] if issubclass(kind, Fault) else []
    return "\n\n".join([str(GoogleDocstring(inspect.getdoc(kind) or "", NAPOLEON)), *more])


def _entry(name: str, text: str) -> str:
    return "\n".join(_lines(name, text))


def _lines(name: str, text: str) -> Iterator[str]:
    yield f".. py:{'function' if '(' in name else 'data'}:: {name}"
    yield "   :no-index:"
    yield ""
    yield from (f"   {line}" for line in text.splitlines())


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx."""
    app.add_directive("kinds", Kinds)
    app.add_directive("checks", Checks)
    app.add_directive("messages", Messages)
    return {"parallel_read_safe": True}
