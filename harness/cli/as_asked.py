"""This process, for one run, as if it were the one that asked for it, and with its user's files as they are now."""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TextIO, cast

from harness.quick import PACKAGE, Asked
from harness.vocabulary.value import Value

PYTHON = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
STDERR = 2
INSTALLED = {"site-packages", "dist-packages"}
"""Folders of libraries: pip's, and those of Linux distributions."""


@contextmanager
def as_asked(asked: Asked) -> Iterator[None]:
    """Have the asking process's streams, folder, environment, command line and import path; then one's own again.

    What was imported for an earlier run is forgotten: a file that was saved since is seen. Libraries and the harness
    stay.
    """
    with ExitStack() as back:
        back.enter_context(_environment(asked))
        back.enter_context(chdir(asked.directory))
        back.enter_context(_words(asked))
        back.enter_context(Value.kinds_of_this_run())
        back.enter_context(_streams(asked))
        forget_what_users_wrote()
        yield


def forget_what_users_wrote() -> None:
    """Forget all modules but those of libraries, of Python and of the harness, and every source that was read."""
    for name, module in list(sys.modules.items()):
        if name != "__main__" and _is_a_users(module):
            del sys.modules[name]
    importlib.invalidate_caches()
    linecache.clearcache()


def _is_a_users(module: ModuleType) -> bool:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return any(not _is_a_library(Path(place).resolve()) for place in places if isinstance(place, str))


def _is_a_library(file: Path) -> bool:
    return any(file.is_relative_to(folder) for folder in (*PYTHON, PACKAGE)) or not INSTALLED.isdisjoint(file.parts)


@contextmanager
def _environment(asked: Asked) -> Iterator[None]:
    own = dict(os.environ)
    _take(asked.environment)
    try:
        yield
    finally:
        _take(own)


def _take(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


@contextmanager
def _words(asked: Asked) -> Iterator[None]:
    own_words, own_path = list(sys.argv), list(sys.path)
    sys.argv[:], sys.path[:] = asked.argv, asked.path
    try:
        yield
    finally:
        sys.argv[:], sys.path[:] = own_words, own_path


@contextmanager
def _streams(asked: Asked) -> Iterator[None]:
    """Descriptors 0 to 2, and Python's streams on them, as a fresh Python would open them."""
    own = (sys.stdin, sys.stdout, sys.stderr)
    own[1].flush()
    own[2].flush()
    kept = [os.dup(number) for number in range(len(own))]
    try:
        for number, stream in enumerate(asked.streams):
            os.dup2(stream, number)
        theirs = tuple(_opened(number, asked.encoding) for number in range(len(own)))
        sys.stdin, sys.stdout, sys.stderr = theirs
        try:
            yield
        finally:
            _flush(theirs[1])
            _flush(theirs[2])
    finally:
        sys.stdin, sys.stdout, sys.stderr = own
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


def _opened(number: int, encoding: str) -> TextIO:
    mode, lines = ("r", -1) if number == 0 else ("w", 1 if number == STDERR or os.isatty(number) else -1)
    opened = open(number, mode, buffering=lines, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115  # who asked has the descriptor
    return cast(TextIO, opened)


def _flush(stream: TextIO) -> None:
    if stream.closed:
        return
    try:
        stream.flush()
    except OSError:
        # Nobody reads any more. What is left would be written again when the stream is collected: into nothing.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()
