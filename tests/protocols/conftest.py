"""A PostgreSQL or a Redis alone, as the stack's tests have them."""

from __future__ import annotations

from tests.stack.conftest import deaths, folder, postgres, redis

__all__ = ["deaths", "folder", "postgres", "redis"]
