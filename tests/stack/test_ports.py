from __future__ import annotations

from harness.stack.ports import candidates, ephemeral_range, pick_port


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
