"""What the standard suite breaks in Redis alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from harness.faults import server
from harness.faults.example import SOME, Example, Ground
from harness.protocols.contract.standard import Break, Standard
from harness.protocols.redis.words import Redis
from harness.vocabulary import ACKNOWLEDGED, REFUSED

__all__ = ["STANDARD"]


def _breaks(ground: Ground) -> Iterable[Break]:
    redis = ground.link_as(Redis)
    yield Break(
        name="flushed",
        about="What Redis kept is gone; what was acknowledged stays so.",
        example=Example(
            server.flush(redis), met="after", prepared=True, deliveries=SOME, expect=ACKNOWLEDGED | REFUSED
        ),
    )
    if ground.remembers:
        yield Break(
            name="poisoned",
            about="Redis remembers deliveries that were never stored; they are stored all the same.",
            example=Example(server.poison(redis), deliveries=SOME, expect=ACKNOWLEDGED | REFUSED),
        )


STANDARD: Final = Standard(breaks=_breaks)
