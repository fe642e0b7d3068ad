"""The project's own sources, as texts by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping


def first(pattern: re.Pattern[str], texts: Mapping[str, str]) -> tuple[str, str]:
    """What the pattern finds first, and in which file; two empty texts if it finds nothing."""
    for name, text in texts.items():
        match = pattern.search(text)
        if match is not None:
            return match[1] if pattern.groups else match[0], name
    return "", ""
