"""Reads the scripts of a package.json."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import UsageError

PACKAGE = "package.json"
SHELL = frozenset("&|;<>$`")
"""A command with one of these needs a shell."""
RUNNERS = {"npm", "yarn", "pnpm"}


def scripts_of(folder: Path) -> Mapping[str, str]:
    """Return the scripts by their names; none without a package.json. Raises UsageError if it cannot be read."""
    file = folder / PACKAGE
    if not file.is_file():
        return {}
    try:
        return {str(name): str(text) for name, text in json.loads(file.read_text("utf-8")).get("scripts", {}).items()}
    except (ValueError, AttributeError) as problem:
        mend = "fix it, or pass the command: --command"
        raise UsageError(f"{file}: cannot be read: {problem}", hint=mend) from problem


def unwrapped(folder: Path, words: Sequence[str]) -> Sequence[str]:
    """Return the program that `npm start` or `npm run NAME` starts: npm passes no signal on, and has no connections.

    Only if that is `node` itself: other programs are found on npm's own path.
    """
    if len(words) < 2 or words[0] not in RUNNERS:
        return words
    name = words[2] if words[1] in {"run", "run-script"} and len(words) > 2 else words[1]
    script = scripts_of(folder).get(name, "")
    return shlex.split(script) if script.startswith("node ") and not SHELL & set(script) else words
