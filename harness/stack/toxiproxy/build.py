"""Toxiproxy's server, built once per user from its source by `go install`.

The program and a note with its SHA-256 are in the user's cache folder, by version and platform. Each start checks both
(about 20 ms), so a truncated or damaged file is noticed and built again. If several runs start at once, a lock makes
one of them build and the others wait.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper
from harness.stack.cache import cache_candidates, cache_folder
from harness.stack.tool import Tools, tools
from harness.stack.toxiproxy.go import obtain_go
from harness.stack.toxiproxy.go_buildinfo import read_go_build

__all__ = ["BUILD", "TOXIPROXY_MODULE", "TOXIPROXY_VERSION", "cached_toxiproxy", "toxiproxy_server_path"]

BUILD = "build"  # the configuration's value for "build it from source"
TOXIPROXY_VERSION = "v2.12.0"
TOXIPROXY_MODULE = "github.com/Shopify/toxiproxy/v2"
BUILD_TIMEOUT_S = 900.0
LOCK_TIMEOUT_S = BUILD_TIMEOUT_S + 600.0  # another run may have to install Go first

_VERSION = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """The folder of one version's program, and the files in it."""

    folder: Path
    version: str

    @property
    def program(self) -> Path:
        return self.folder / "toxiproxy-server"

    @property
    def note(self) -> Path:
        return self.folder / "toxiproxy-server.json"

    def sound(self) -> bool:
        """Whether the program exists, is complete, executable and of this version."""
        try:
            noted = json.loads(self.note.read_text(encoding="utf-8"))
            if noted != {"sha256": _sha256(self.program), "version": self.version}:
                return False
        except (OSError, ValueError):  # none yet, or damaged: either way it is built
            return False
        return os.access(self.program, os.X_OK)


def toxiproxy_server_path(
    version: str = TOXIPROXY_VERSION,
    *,
    keeper: Keeper | None = None,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Return the path of Toxiproxy's server. Build it if the cache does not have it.

    A build takes half a minute, or a minute if Go has to be installed first. `progress` receives a note before it
    begins (default: the log). Raises UsageError for an invalid version, and HarnessError with Go's output if the build
    fails.
    """
    if not _VERSION.fullmatch(version):
        mend = f"write a release, as {TOXIPROXY_VERSION}"
        raise UsageError.at("Toxiproxy", "version", version, "not a release's name", mend=mend)
    tell = progress or _log.info
    cache = cache_folder()
    place = _place(cache, version)
    if place.sound():
        return place.program
    place.folder.mkdir(parents=True, exist_ok=True)
    with _locked(place, tell):
        if not place.sound():  # not built by another run while we waited
            tell(f"building Toxiproxy {version}, once, about half a minute")
            with _scratch(place.folder) as scratch, tools(scratch, keeper) as runner:
                _build(place, runner, scratch, tell)
    return place.program


def cached_toxiproxy(version: str = TOXIPROXY_VERSION) -> Path | None:
    """Return the cached program if it exists and is sound. Never builds, never creates a folder."""
    for cache in cache_candidates():
        place = _place(cache, version)
        if place.sound():
            return place.program
    return None


def _place(cache: Path, version: str) -> _Place:
    return _Place(cache / "toxiproxy" / f"{version}-{sys.platform}-{platform.machine()}", version)


@contextlib.contextmanager
def _locked(place: _Place, tell: Callable[[str], None]) -> Iterator[None]:
    lock = FileLock(place.folder / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"waiting for another run that is building Toxiproxy {place.version}")
        try:
            lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout as error:
            hint = f"see which process holds {lock.lock_file}: fuser {lock.lock_file}"
            raise HarnessError(f"another build of Toxiproxy took over {LOCK_TIMEOUT_S:g} s", hint=hint) from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Create a folder beside the result (so that a rename is atomic), and remove it at the end.

    We hold the lock, so remains of another build are those of a killed one. They are removed first.
    """
    for left in folder.glob("building-*"):
        shutil.rmtree(left)
    scratch = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch)


def _build(place: _Place, runner: Tools, scratch: Path, tell: Callable[[str], None]) -> None:
    go = obtain_go(runner, scratch, tell)
    out = scratch / "bin"
    # Without this, a server built from the module calls itself `git`.
    named = f"-X {TOXIPROXY_MODULE}.Version={place.version.removeprefix('v')}"
    package = f"{TOXIPROXY_MODULE}/cmd/server@{place.version}"
    command = [str(go.path), "install", "-ldflags", named, package]
    run = runner.run("go-install", command, {**go.env, "GOBIN": str(out)}, timeout_s=BUILD_TIMEOUT_S)
    run.require(hint="check that the Go module proxy answers, or name a toxiproxy-server with --toxiproxy PATH")
    _keep(out / "server", place)


def _keep(built: Path, place: _Place) -> None:
    """Put program and note in place, each by an atomic rename. The note comes last, because it confirms the program."""
    info = read_go_build(built) if built.is_file() else None
    if info is None or (info.module, info.version) != (TOXIPROXY_MODULE, place.version):
        hint = "look at $HARNESS_GO and at the `go` on the PATH: is it Go itself?"
        raise HarnessError(f"go install made no Toxiproxy {place.version}, but {info or 'nothing'}", hint=hint)
    built.chmod(0o755)
    note = built.with_name("note.json")
    note.write_text(json.dumps({"sha256": _sha256(built), "version": place.version}), encoding="utf-8")
    built.replace(place.program)
    note.replace(place.note)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
