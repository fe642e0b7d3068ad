"""How far a replica is behind, by what both servers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from webhook.database.failures import AttemptFailedError, Reason
from webhook.database.lag import ReplicaLag, position
from webhook.delivery import Phase

AWAY = AttemptFailedError(Phase.CHECKOUT, Reason.CONNECT_FAILED)


class Says:
    """A server that says one thing after the other."""

    def __init__(self, said: Sequence[str | AttemptFailedError | None]) -> None:
        self._said = iter(said)

    async def ask(self, sql: str) -> str | None:
        del sql
        said = next(self._said)
        if isinstance(said, AttemptFailedError):
            raise said
        return said


async def lags(primary: Sequence[Any], replica: Sequence[Any]) -> list[float]:
    """Ask every ten seconds; give how far it is behind just after each time."""
    now = 100.0
    lag = ReplicaLag(
        primary=cast("Any", Says(primary)), replica=cast("Any", Says(replica)), limit_s=5, clock=lambda: now
    )
    found = []
    for _ in primary:
        now += 10
        await lag.measure()
        found.append(lag.seconds)
    return found


@pytest.mark.asyncio
async def test_it_is_nothing_as_long_as_the_replica_has_replayed_all() -> None:
    assert await lags(["0/10", "0/20", "0/20"], ["0/10", "0/28", "0/28"]) == [0, 0, 0]


@pytest.mark.asyncio
async def test_it_is_since_when_the_primary_had_no_more_than_the_replica_has_now() -> None:
    primary = ["0/10", "0/20", "0/30", "0/40", "0/50"]
    assert await lags(primary, ["0/10", "0/1F", "0/1F", "0/30", "0/50"]) == [0, 10, 20, 10, 0]


@pytest.mark.asyncio
async def test_it_grows_while_one_of_both_is_away_or_the_replica_follows_no_more() -> None:
    assert await lags(["0/10", AWAY, "0/10", "0/10"], ["0/10", None, "0/10"]) == [0, 10, 20, 0]


def test_a_position_is_a_number_of_bytes() -> None:
    assert position("1/FF") - position("0/FFFFFFFF") == 0x100
