"""Reads Toxiproxy's log as evidence: one JSON object per line."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.addresses import HostPort


class AcceptedClient(NamedTuple):
    """The client's address of a connection that a proxy has accepted."""

    host: str
    port: int


class ProxyEventKind(enum.StrEnum):
    """The kinds of event, by the text of Toxiproxy's log."""

    STARTED = "Started proxy"
    TERMINATED = "Terminated proxy"
    ACCEPTED = "Accepted client"
    UPSTREAM_FAILED = "Unable to open connection to upstream"
    SOURCE_TERMINATED = "Source terminated"
    WRITE_FAILED = "Could not write to destination"


_KINDS = {str(kind): kind for kind in ProxyEventKind}


@dataclass(frozen=True, slots=True)
class ProxyEvent:
    """One line of the log.

    `client` is known for a client's arrival, None otherwise. Toxiproxy logs the end of a connection only if it was a
    break (a reset, or its own disabling), not if a side closed.
    """

    kind: ProxyEventKind
    proxy: str
    client: AcceptedClient | None
    error: str

    @property
    def accepted(self) -> bool:
        """Whether a client was accepted."""
        return self.kind is ProxyEventKind.ACCEPTED


def proxy_events(text: str) -> tuple[ProxyEvent, ...]:
    """Return the events in a piece of the log. Incomplete lines, other text and other events are skipped."""
    whole, _, _unfinished = text.rpartition("\n")
    found = (_event(line) for line in whole.splitlines())
    return tuple(each for each in found if each is not None)


def _event(line: str) -> ProxyEvent | None:
    try:
        said: Any = json.loads(line)
    except ValueError:  # text that Go prints in a crash, or the end of a line that began before the mark
        return None
    kind = _KINDS.get(said.get("message", "")) if isinstance(said, dict) else None
    if kind is None:
        return None
    client = said.get("client")
    return ProxyEvent(
        kind=kind,
        proxy=said.get("name") or said.get("proxy", ""),
        client=AcceptedClient(*HostPort.parse(client)) if client else None,
        error=said.get("error", ""),
    )
