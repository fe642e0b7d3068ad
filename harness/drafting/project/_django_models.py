"""Finds the table of a Django project's deliveries in its models."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.drafting.project._python_routes import keyword, last_name, text_of
from harness.drafting.project._tables import listing_by

KEYED = re.compile(r"(?:^|_)(?:id|key|ref|reference|number|code|slug)$", re.IGNORECASE)
"""Names of fields that identify a row."""


def django_listing(path: str, id_fields: Sequence[str], sources: Mapping[str, ast.Module]) -> tuple[str, str]:
    """Return the SQL that lists the model with the path's name, or the first model, and its file."""
    models = [
        (file, node)
        for file, tree in sources.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "models.Model" for base in node.bases)
    ]
    named = [part.rstrip("s") for part in path.lower().split("/") if part]
    models.sort(key=lambda each: each[1].name.lower().rstrip("s") not in named)
    if not models:
        return "", ""
    file, model = models[0]
    fields = {
        each.targets[0].id: each.value
        for each in model.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and isinstance(each.value, ast.Call)
    }
    own = [name for name, call in fields.items() if keyword(call, "primary_key") or keyword(call, "unique")]
    named_so = [name for name in fields if name in id_fields] or own or [name for name in fields if KEYED.search(name)]
    return listing_by(named_so[0] if named_so else "id", _table(file, model)), file


def _table(file: str, model: ast.ClassDef) -> str:
    meta = next((each for each in model.body if isinstance(each, ast.ClassDef) and each.name == "Meta"), None)
    for each in meta.body if meta is not None else ():
        if isinstance(each, ast.Assign) and last_name(each.targets[0]) == "db_table":
            return text_of(each.value) or ""
    home = Path(file).parent
    application = home.parent.name if home.name == "models" else home.name
    return f"{application}_{model.name.lower()}"
