"""Names of Prometheus series, as a target writes them: `requests_total{outcome="refused"}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator

from harness.documents import wrong

LABEL: Final = r'[a-zA-Z_]\w*="[^"]*"'
SERIES: Final = re.compile(rf"(?P<name>[a-zA-Z_:][\w:]*)(?:\{{(?P<labels>{LABEL}(?:,\s*{LABEL})*)\}})?")


def parts_of(series: str) -> tuple[str, Mapping[str, str]]:
    """The metric's name, and the labels that a sample must have."""
    found = SERIES.fullmatch(series)
    if found is None:
        raise wrong("not a series of a metric", 'write a name, or name{label="value"}')
    return found["name"], dict(re.findall(r'(\w+)="([^"]*)"', found["labels"] or ""))


def _series(text: str) -> str:
    parts_of(text)
    return text


Series = Annotated[str, AfterValidator(_series)]
