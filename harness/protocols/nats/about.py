"""NATS, for readers and for the checks of a target description."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.about import About

__all__ = ["ABOUT"]

ABOUT: Final = About(
    title="NATS",
    choice="a nats-server, or a nats:// URL",
    placeholders=("url", "host", "port", "user", "password"),
    port=4222,
    images=("nats",),
    optional=True,
    crash=r"^panic:|\[FTL\]",
)
