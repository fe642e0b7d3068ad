from __future__ import annotations

import pytest

from harness.protocols import registry


@pytest.fixture(autouse=True)
def _spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP and TCP are spoken, and have no servers yet: only the relay's side of them is known."""
    monkeypatch.setattr(registry, "PROTOCOLS", (*registry.PROTOCOLS, "http", "tcp"))
