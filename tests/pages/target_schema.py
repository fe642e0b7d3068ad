"""The JSON Schema of a target description, for editors: made from its models, with what each key means.

`python -m tests.pages.target_schema` writes `harness/target/target.schema.json` anew after a change of the models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.documents import Table
from harness.target.description import SCHEMA_FILE, TargetDescription
from tests.pages.key_tables import told_of_keys

COMMAND = "python -m tests.pages.target_schema"


def schema_text() -> str:
    """The schema as the models have it, as JSON text."""
    schema = TargetDescription.model_json_schema()
    models = {model.__name__: model for model in _models(Table)}
    _tell(TargetDescription, schema)
    for name, described in schema["$defs"].items():
        if name in models:
            _tell(models[name], described)
    return json.dumps(schema, indent=1) + "\n"


def _models(base: type[Table]) -> Iterator[type[Table]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _tell(model: type[Table], described: dict[str, Any]) -> None:
    """Add the text below each attribute: it is what an editor shows of a key."""
    told = told_of_keys(model)
    for name, field in model.model_fields.items():
        key = described["properties"][field.alias or name]
        key.pop("title", None)  # the key again, in capitals
        key["description"] = told[name]


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), "utf-8")
