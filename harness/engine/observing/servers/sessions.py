"""The harness's own sessions on the servers of one run: one probe per link."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from harness.faults.site import Site
from harness.protocols.contract.probes import Probe
from harness.vocabulary import Link


class Sessions:
    """The probes of a run's links, each made when it is first needed. Closing them ends every session."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._probes: dict[str, Probe] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as closing:
            for probe in self._probes.values():
                closing.push_async_callback(probe.close)

    def of(self, link: Link) -> Probe:
        """Return the probe of a link. Raises UsageError if the target has no link of that name."""
        if link.name not in self._probes:
            self._probes[link.name] = self._site.laid(link).own.probe()
        return self._probes[link.name]
