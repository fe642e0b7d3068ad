"""What happened to a server's rows when a standby replaced it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.history.events.readings import StoredRow


@dataclass(frozen=True, repr=False)
class FailedOver(Event, kind="server.failed_over"):
    """A standby has replaced the primary `server`.

    Its time is that at which the service's links led to the new primary.

    `standby`: `synchronous`, `asynchronous`, `stuck`, or `rewound` for an old primary that took over again. `away_ms`:
    how long before that time the old primary had ended. `promotion_ms`: the promotion's part of it. `lacked`: the old
    primary's rows that the new one did not have then; None: they could not be compared, because the target has no SQL
    that lists them. `served_on_ms`: if the old primary goes on serving: how long before that time the standby was
    promoted; `away_ms` is 0 then.
    """

    server: str
    standby: str
    away_ms: float
    promotion_ms: float
    lacked: tuple[StoredRow, ...] | None = ()
    served_on_ms: float = 0.0

    @property
    def told(self) -> str:
        """In one sentence, for readers."""
        lacked = "it is unknown which rows" if self.lacked is None else f"{len(self.lacked)} rows of the old primary"
        after = f"after {self.away_ms:.0f} ms"
        if self.served_on_ms:
            after = f"alone, {self.served_on_ms:.0f} ms after it was promoted beside the old primary"
        return (
            f"the {self.standby} standby of {self.server} took over {after} "
            f"(promotion {self.promotion_ms:.0f} ms), and lacked {lacked}"
        )
