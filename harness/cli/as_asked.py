"""This process, for one run, as if it were the one that asked for it, and with its user's files as they are now."""

from __future__ import annotations

import importlib
import linecache
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from typing import TextIO, cast

from harness.modules import is_a_users, users_modules
from harness.present.terminal.streams import into_nothing
from harness.quick import Asked
from harness.vocabulary.value import Value

STDERR = 2


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
        back.enter_context(Value.kinds_of_this_run(_stays))
        back.enter_context(_streams(asked))
        forget_what_users_wrote()
        yield


def forget_what_users_wrote() -> None:
    """Forget all modules but those of libraries, of Python and of the harness, and every source that was read."""
    for name in users_modules():
        del sys.modules[name]
    importlib.invalidate_caches()
    linecache.clearcache()


def _stays(kind: type[Value]) -> bool:
    """Whether its module is not imported again for the next run: then it would not be registered again."""
    module = sys.modules.get(kind.__module__)
    return module is not None and not is_a_users(module)


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
        into_nothing(stream)
        stream.flush()
