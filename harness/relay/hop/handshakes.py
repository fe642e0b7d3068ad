"""What goes wrong in the TLS handshakes of a hop, and how often it did."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

How: TypeAlias = Literal["cut", "stall", "garbage", "expired", "other_name", "other_authority"]
CERTIFICATES: Final[tuple[How, ...]] = ("expired", "other_name", "other_authority")
"""Those in which the relay presents another certificate."""
GARBAGE: Final = b"\x00\xff no TLS, and no alert either \r\n"


@dataclass(slots=True)
class Trouble:
    """One kind of trouble, until it is `over`. `met`: handshakes that had it; `failed`: those that came to nothing."""

    how: How
    met: int = 0
    failed: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def counts(self) -> Sequence[int]:
        """Both counts."""
        return [self.met, self.failed]
