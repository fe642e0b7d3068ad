"""What a Prometheus that watches the service reported about its alerts."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event


@dataclass(frozen=True, repr=False)
class AlertsWatched(Event, kind="alerts.watched"):
    """A Prometheus watches the service from now on.

    `fires`: the alerts that must fire; no other may. `waits`: all alerts whose condition must last before they fire.
    """

    fires: tuple[str, ...]
    waits: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class AlertChanged(Event, kind="alert.changed"):
    """An alert is `pending`, `firing`, or `inactive` again."""

    name: str
    state: str


@dataclass(frozen=True, repr=False)
class AlertsLeft(Event, kind="alerts.left"):
    """The watch has ended. `open`: alerts that were not inactive again after `waited_s`."""

    open: tuple[str, ...]
    waited_s: float
