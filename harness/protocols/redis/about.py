"""Redis, for readers and for the checks of a target description."""

from __future__ import annotations

from typing import Final

from harness.protocols.contract.about import About

__all__ = ["ABOUT"]

ABOUT: Final = About(
    title="Redis",
    choice="a redis-server or valkey-server, or a redis:// URL",
    placeholders=("url", "host", "port", "database", "prefix", "user", "password"),
    port=6379,
    images=("redis", "valkey", "redis-stack", "redis-stack-server"),
    watched=True,
    remembers=True,
    crash=r"REDIS BUG REPORT START|Guru Meditation",
    residue={"keys without expiry": None, "keys without the prefix": None, "keys of another lifetime": None},
)
