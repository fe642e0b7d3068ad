"""The project's own sources, as texts by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping


def first(pattern: re.Pattern[str], texts: Mapping[str, str]) -> tuple[str, str]:
    """The pattern's first match, and its file; two empty texts if there is none."""
    for name, text in texts.items():
        match = pattern.search(text)
        if match is not None:
            return match[1] if pattern.groups else match[0], name
    return "", ""
