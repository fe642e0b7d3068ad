from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, cast

import asyncpg
import pytest

from webhook.database.failures import CommitLostError
from webhook.database.store import Store
from webhook.delivery import Progress
from webhook.logs import Log


class Committing:
    """A connection whose COMMIT ends as it is told to."""

    def __init__(self, ends: Callable[[], Exception]) -> None:
        self._ends = ends

    async def commit(self) -> None:
        raise self._ends()


async def commit(progress: Progress, ends: Callable[[], Exception]) -> None:
    nothing = cast("Any", None)
    store = Store(nothing, gate=nothing, log=Log(io.StringIO()), replicated=False)
    await store.commit(cast("Any", Committing(ends)), progress)


@pytest.mark.asyncio
async def test_a_commit_that_was_rolled_back_leaves_no_doubt() -> None:
    progress = Progress()
    with pytest.raises(asyncpg.SerializationError):
        await commit(progress, asyncpg.SerializationError)
    assert not progress.in_doubt


@pytest.mark.asyncio
async def test_a_later_commit_does_not_clear_the_doubt_of_an_earlier_one() -> None:
    progress = Progress()
    with pytest.raises(CommitLostError):
        await commit(progress, ConnectionResetError)
    with pytest.raises(asyncpg.SerializationError):
        await commit(progress, asyncpg.SerializationError)
    assert progress.in_doubt
