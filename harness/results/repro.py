"""Writes the line that repeats a run. It must work when pasted into the shell that the run came from."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from harness.invocation import harness_words
from harness.results.result import RunKey


def gate_line(key: RunKey, seed: int, options: Sequence[str] = (), ambiguous: Collection[str] = ()) -> str:
    """The line that runs one scenario as `key` says.

    Args:
        key: the scenario, its profile, and what is off.
        seed: the seed of its payloads.
        options: words that are added to the line.
        ambiguous: ids that are the names of themes, too.
    """
    word = f"scenario:{key.id}" if key.id in ambiguous else key.id
    off = [word for name in key.without for word in ("--without", name)]
    return shlex.join([*harness_words(), "gate", word, "--profile", key.profile, *off, "--seed", str(seed), *options])
