"""HTTP, for readers and for the checks of a target description."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.about import About

__all__ = ["ABOUT"]

ABOUT: Final = About(
    title="HTTP server",
    choice="an http:// URL",
    placeholders=("url", "host", "port"),
    port=80,
    receives=True,
)
