"""Declares the plugin's command line options and ini settings to pytest. Every pytest run loads this."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any

import pytest

from harness.plugin.chaos import SCOPE
from harness.protocols.contract.about import ABOUT
from harness.protocols.registry import PROTOCOLS

SOURCES = (*PROTOCOLS, "toxiproxy")
"""The options that say where a server of the stack comes from."""
HELP: Mapping[str, str] = {
    "target": "the target description of the service under test",
    "profile": "profile of the target",
    "results": "where results go: DIR/RUN, and DIR/latest",
    "toxiproxy": "a toxiproxy-server, or an http:// URL",
    "seed": "seed of the payloads",
    "patience": "how many seconds at most a client waits for an answer",
    "without": "switch a protection off; repeatable, or several separated by commas",
    "server": "the source of the server that the target calls NAME; repeatable",
    "allow-host": "a host, other than this machine, that such a URL may name; repeatable",
    "strict": "fail each scenario that this machine cannot run, listed or not, and each without a finished proof",
    **{name: ABOUT.of(name).choice for name in PROTOCOLS},
}
"""The help of each option that pytest and the command line share: a sentence without its capital and full stop."""
DEFAULTS: Mapping[str, str] = {
    "target": "target.toml beside the scenarios",
    "profile": "the one that the target names",
    "results": ".results",
    "toxiproxy": "build",
    "seed": "0",
    "patience": "the target's deadline and half a second",
    **dict.fromkeys(PROTOCOLS, "embedded"),
}
WITH_INI = ("target", "profile", "results", *SOURCES)
"""The options that an ini file can set too: `harness_target` is `--harness-target`."""


def _help(name: str) -> str:
    return f"{HELP[name]} (default: {DEFAULTS[name]})" if name in DEFAULTS else HELP[name]


def _seconds(text: str) -> float:
    """A finite time. Raises ArgumentTypeError, which the parser reports with the option's name."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds; mend: write a number above 0")
    return seconds


def add_options(parser: pytest.Parser) -> None:
    """Declare them: `--harness-target` for `--target` of the command line."""
    group = parser.getgroup("harness", "scenarios: test functions that take a lab")

    def add(name: str, **how: Any) -> None:
        group.addoption(f"--harness-{name}", dest=f"harness_{name.replace('-', '_')}", help=_help(name), **how)

    for name in WITH_INI:
        add(name)
        parser.addini(f"harness_{name}", _help(name))
    add("seed", type=int)
    add("patience", type=_seconds)
    for name, shown in (("without", "NAME"), ("server", "NAME=X"), ("allow-host", "HOST")):
        add(name, action="append", default=[], metavar=shown)
    add("strict", action="store_true")
    parser.addini(SCOPE, "how long a test's databases and links last: function, module or session", default="function")
