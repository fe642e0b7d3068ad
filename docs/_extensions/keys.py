"""`keys MODULE.MODEL`: the keys of a file that the model reads, what each may be, and what it is when left out."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence

from docutils import nodes
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata


class Keys(SphinxDirective):
    """Writes the model as a class whose attributes are the keys."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Give the entry."""
        module, _, name = self.arguments[0].rpartition(".")
        model = getattr(importlib.import_module(module), name)
        return self.parse_text_to_nodes("\n".join(_class(model, _told_of_attributes(module, name))))


def _told_of_attributes(module: str, name: str) -> Mapping[str, Sequence[str]]:
    """The texts below the attributes in the source, which Python itself forgets."""
    found = ModuleAnalyzer.for_module(module).find_attr_docs()
    return {attribute: lines for (owner, attribute), lines in found.items() if owner == name}


def _class(model: type[BaseModel], told: Mapping[str, Sequence[str]]) -> Iterator[str]:
    yield f".. py:class:: {model.__name__}"
    yield from ("", *_indented((inspect.getdoc(model) or "").splitlines()), "")
    for name, field in model.model_fields.items():
        kind = str(inspect.get_annotations(model)[name])
        yield from _indented([f".. py:attribute:: {field.alias or name}", f"   :type: {kind}", ""])
        yield from _indented(_indented([*told.get(name, ()), "", _left_out(field), ""]))


def _left_out(field: FieldInfo) -> str:
    if field.is_required():
        return "Required."
    if field.default is None:
        return "May be left out."
    default = field.default
    shown = {} if isinstance(default, BaseModel) else default
    return f"When left out: ``{shown!r}``."


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"   {line}" for line in lines]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx."""
    app.add_directive("keys", Keys)
    return {"parallel_read_safe": True}
