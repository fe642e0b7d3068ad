"""Finds the commit that is run, and whether the working tree differs from it."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

DIRTY = "+dirty"
WITHIN_S = 20.0
BASELINE = "baseline.json"
"""A file beside the scenarios. It is written after a run, and must not make that run's tree count as changed."""
NOT_TOLD = "?? git cannot tell what differs from the commit: see `git status`"
DIGEST_BYTES = 4
COMMIT_CHARACTERS = 12
"""How many characters of a commit readers see: as many as git shows for a large repository."""


def revision_of(scenarios: Path, results: Path | None = None) -> str:
    """Return the commit of the folder of scenarios, with `+dirty.DIGEST` of the differences if there are any.

    `results`: the folder of results, which is ignored. Empty without git or a repository.
    """
    head = _git(scenarios, "rev-parse", "--verify", "HEAD")
    if head is None:
        return ""
    return head.strip() + (f"{DIRTY}.{_digest(scenarios, results)}" if uncommitted(scenarios, results) else "")


def commit_of(revision: str) -> str:
    """Return the commit without the suffix."""
    return revision.partition(DIRTY)[0]


def short(revision: str) -> str:
    """Return the revision for readers: the commit's beginning, and the suffix.

    For example::

        assert short("9736682" + "0" * 33 + "+dirty.0badcafe") == "973668200000+dirty.0badcafe"
    """
    commit = commit_of(revision)
    return commit[:COMMIT_CHARACTERS] + revision.removeprefix(commit)


def is_dirty(revision: str) -> bool:
    """Whether something differed from the commit."""
    return DIRTY in revision


def uncommitted(scenarios: Path, results: Path | None = None) -> Sequence[str]:
    """Return the differences from the commit, and files that are not in it.

    One line per path, as in `git status --porcelain`.

    The baseline, the results and ignored files do not count. If git fails, its error is the only line.
    """
    said = _git(scenarios, "status", "--porcelain", "--untracked-files=all", "--", *_paths(scenarios, results))
    if said is None and _git(scenarios, "rev-parse", "--verify", "HEAD") is not None:
        return [NOT_TOLD]
    return (said or "").splitlines()


def _paths(scenarios: Path, results: Path | None) -> Sequence[str]:
    """The part of the repository that counts, as arguments for git."""
    root, paths = _root(scenarios), [":/", f":(exclude){BASELINE}"]
    if results is not None and root is not None and results.resolve().is_relative_to(root):
        paths.append(f":(exclude,literal){results.resolve()}")
    return paths


def _root(scenarios: Path) -> Path | None:
    said = _git(scenarios, "rev-parse", "--show-toplevel")
    return None if said is None else Path(said.rstrip("\n"))


def _digest(scenarios: Path, results: Path | None) -> str:
    """Return a digest that distinguishes two working trees of one commit; a new one each time if git fails."""
    paths = ("--", *_paths(scenarios, results))
    changed = _git(scenarios, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", *paths)
    new = _git(scenarios, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", *paths)
    root = _root(scenarios)
    if changed is None or new is None or root is None:
        return secrets.token_hex(DIGEST_BYTES)
    found = hashlib.sha256(changed.encode(errors="surrogateescape"))
    for name in filter(None, new.split("\0")):
        path = root / name
        found.update(name.encode(errors="surrogateescape") + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"")
    return found.hexdigest()[: 2 * DIGEST_BYTES]


def _git(folder: Path, *words: str) -> str | None:
    try:
        process = subprocess.run(  # noqa: S603  # fixed words, no shell; git is whichever the user has
            ["git", *words],  # noqa: S607  # as above
            cwd=folder,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # without git, the revision is unknown
    return process.stdout if process.returncode == 0 else None
