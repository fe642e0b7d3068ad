"""Plain TCP, for readers and for the checks of a target description."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.about import About

__all__ = ["ABOUT"]

ABOUT: Final = About(
    title="TCP server",
    choice="a tcp://HOST:PORT URL",
    placeholders=("url", "host", "port"),
)
