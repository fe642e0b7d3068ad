"""Writes files that are either complete or absent, even if the process is killed."""

from __future__ import annotations

import secrets
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Put the text under `path` in one step: a reader sees the old file or the new one. Raises OSError."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        new.write_text(text, "utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def link_atomically(link: Path, name: str) -> None:
    """Let the symbolic link point at `name`, in one step. Raises OSError; a folder is not replaced."""
    new = link.with_name(f".{link.name}.{secrets.token_hex(4)}")
    new.symlink_to(name)
    try:
        new.replace(link)
    finally:
        new.unlink(missing_ok=True)
