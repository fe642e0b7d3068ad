from __future__ import annotations

import pytest

from harness.errors import HarnessError
from harness.stack.tcp.ports import candidates, ephemeral_range, free_port, pick_port
from tests.stack.support import first_then_any, occupied_port


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
    # Other programs of this machine may listen on a port that is picked by chance: then one more is picked.
    with occupied_port() as in_use:
        monkeypatch.setattr("harness.stack.tcp.ports.pick_port", first_then_any(in_use, in_use))
        assert free_port() != in_use
        monkeypatch.setattr("harness.stack.tcp.ports.pick_port", lambda: in_use)
        with pytest.raises(HarnessError, match="of 50 ports none was free"):
            free_port()
