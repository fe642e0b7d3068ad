from __future__ import annotations

import socket

import pytest

from harness.protocols.postgres import probes


@pytest.mark.asyncio
async def test_a_server_that_lets_nobody_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "ADMIN_TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TimeoutError, match=r"PostgreSQL did not let the harness in within 0\.05 s.*too busy"):
            async with probes.session(f"postgresql://a:b@127.0.0.1:{port}/c"):
                pass
