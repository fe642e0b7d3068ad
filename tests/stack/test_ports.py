from __future__ import annotations

import socket

import pytest

from harness.errors import HarnessError
from harness.stack.tcp.ports import candidates, ephemeral_range, free_port, pick_port


def test_ports_lie_outside_what_the_kernel_gives_to_outgoing_connections() -> None:
    ephemeral = range(32_768, 61_000)
    chosen = candidates(ephemeral)
    assert chosen == [*range(10_000, 32_768), *range(61_000, 65_536)]


def test_a_machine_that_gives_all_ports_away_leaves_all_to_choose_from() -> None:
    assert candidates(range(1, 65_536)) == list(range(10_000, 65_536))


def test_this_machines_range_is_kept_clear() -> None:
    picked = {pick_port() for _ in range(50)}
    assert len(picked) > 25
    assert not picked & set(ephemeral_range())


def test_a_port_that_something_listens_on_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        in_use = taken.getsockname()[1]
        chosen = iter([in_use, in_use, pick_port()])
        monkeypatch.setattr("harness.stack.tcp.ports.pick_port", lambda: next(chosen))
        assert free_port() != in_use
        monkeypatch.setattr("harness.stack.tcp.ports.pick_port", lambda: in_use)
        with pytest.raises(HarnessError, match="of 50 ports none was free"):
            free_port()
