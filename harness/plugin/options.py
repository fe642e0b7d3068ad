"""The plugin's command line options and ini settings, as pytest is told of them. Every pytest run loads this."""

from __future__ import annotations

import argparse
import math
from typing import Any, NamedTuple

import pytest

from harness.protocols.contract.about import ABOUT
from harness.protocols.registry import PROTOCOLS


class _Option(NamedTuple):
    name: str
    help: str
    kind: Any = None


def _seconds(text: str) -> float:
    """A time that ends. Raises ArgumentTypeError, which the parser tells with the option's name."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no time that ends; mend: write a number above 0")
    return seconds


_WITH_INI = (
    _Option("target", "target description of the service under test (default: target.toml beside the scenarios)"),
    _Option("profile", "profile of the target description (default: the one that it names)"),
    _Option("results", "folder for results (default: .results)"),
    *(_Option(name, f'"embedded", {ABOUT.of(name).choice}') for name in PROTOCOLS),
    _Option("toxiproxy", '"build", a toxiproxy-server, or an http:// URL'),
)
_PLAIN = (
    _Option("seed", "seed of payloads (default: 0, so that every run does the same)", int),
    _Option("patience", "longest wait of a client for an answer, in seconds", _seconds),
)


def add_options(parser: pytest.Parser) -> None:
    """Declare them. Each ini setting is the option of the same name: `harness_target`."""
    group = parser.getgroup("harness", "scenarios: test functions that take a lab")
    for option in _WITH_INI:
        group.addoption(f"--harness-{option.name}", dest=f"harness_{option.name}", help=option.help)
        parser.addini(f"harness_{option.name}", option.help)
    for option in _PLAIN:
        group.addoption(f"--harness-{option.name}", dest=f"harness_{option.name}", type=option.kind, help=option.help)
    group.addoption(
        "--harness-without", dest="harness_without", action="append", default=[], metavar="NAME",
        help="switch a protection off; repeatable, or several separated by commas",
    )  # fmt: skip
    group.addoption(
        "--harness-server", dest="harness_server", action="append", default=[], metavar="NAME=X",
        help="the same for the one server that the target calls NAME; repeatable",
    )  # fmt: skip
    group.addoption(
        "--harness-allow-host", dest="harness_allow_host", action="append", default=[], metavar="HOST",
        help="a host beyond this machine that the servers' URLs may name; repeatable",
    )  # fmt: skip
    group.addoption(
        "--harness-strict", dest="harness_strict", action="store_true",
        help="a scenario that this machine cannot run fails, listed in unavailable.toml or not",
    )  # fmt: skip
