"""What became of a server's rows when a standby took its place."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.history.events.readings import StoredRow


@dataclass(frozen=True, repr=False)
class FailedOver(Event, kind="server.failed_over"):
    """A standby has taken the place of the primary `server`. It is dated when the service's links led to the new one.

    `standby`: `synchronous` or `asynchronous`. `away_ms`: how long before that the old primary had ended.
    `promotion_ms`: how long the promotion took of that. `lacked`: the rows of the old primary that the new one did not
    have then; None: they could not be compared, because the target has no SQL that lists them.
    """

    server: str
    standby: str
    away_ms: float
    promotion_ms: float
    lacked: tuple[StoredRow, ...] | None = ()

    @property
    def told(self) -> str:
        """In one sentence, for people."""
        lacked = "it is unknown which rows" if self.lacked is None else f"{len(self.lacked)} rows of the old primary"
        return (
            f"the {self.standby} standby of {self.server} took over after {self.away_ms:.0f} ms "
            f"(promotion {self.promotion_ms:.0f} ms), and lacked {lacked}"
        )
