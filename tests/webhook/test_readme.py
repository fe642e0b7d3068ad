"""The page that people read says what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.webhook.support import ROOT
from webhook.configuration.protections import PROTECTIONS
from webhook.configuration.settings import Settings

README = (ROOT / "webhook" / "README.md").read_text(encoding="utf-8")


def rows() -> Iterator[tuple[str, str, bool]]:
    for line in README.splitlines():
        found = re.match(r"\| `([a-z]+\.[a-z_]+)`( †)? \|(.*)\|(.*)\|$", line)
        if found:
            yield found[1], found[3], bool(found[2])


def test_the_table_has_every_protection_once_and_in_order() -> None:
    assert [(name, unsafe) for name, _, unsafe in rows()] == [(one.name, one.unsafe) for one in PROTECTIONS]


def test_the_limits_and_their_defaults_are_those_of_the_code() -> None:
    limits = {one.name: set(one.limits) for one in PROTECTIONS}
    for name, text, _ in rows():
        told = dict(re.findall(r"`([A-Z_]+)=(\S+?)`", text))
        assert {variable.lower() for variable in told} == limits[name], name
        for variable, value in told.items():
            assert means(value, Settings.model_fields[variable.lower()].default), variable


def means(text: str, default: object) -> bool:
    if isinstance(default, bool) or default is None:
        return text == {True: "on", False: "off", None: "none"}[default]
    return float(text) == default if isinstance(default, (int, float)) else text == default
