"""A PostgreSQL or a Redis alone, as the stack's tests have them, and every protocol that is spoken."""

from __future__ import annotations

import pytest

from harness.protocols import registry
from tests.stack.conftest import deaths, folder, postgres, redis

__all__ = ["deaths", "folder", "postgres", "redis"]


@pytest.fixture(autouse=True)
def _spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP and TCP are spoken, and have no servers yet: only the relay's side of them is known."""
    monkeypatch.setattr(registry, "PROTOCOLS", (*registry.PROTOCOLS, "http", "tcp"))
